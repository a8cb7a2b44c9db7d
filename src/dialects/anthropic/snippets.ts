import { type Snippet, type SnippetTarget, shellWord } from "../description.ts";

export function anthropicSnippets({ address, region, model }: SnippetTarget): Snippet[] {
  const baseUrl = `${address}/anthropic/${region}`;
  const name = JSON.stringify(model);
  return [
    {
      id: "curl",
      title: "curl",
      text: `curl "${baseUrl}/v1/messages" \\
  -H "x-api-key: $WEIR_KEY" \\
  -H "content-type: application/json" \\
  -d ${shellWord(JSON.stringify({ model, max_tokens: 200, messages: [{ role: "user", content: "Hello!" }] }))}`,
    },
    {
      id: "claude-code",
      title: "Claude Code",
      note: "In the shell that starts it.",
      text: `export ANTHROPIC_BASE_URL="${baseUrl}"
export ANTHROPIC_AUTH_TOKEN="$WEIR_KEY"
export ANTHROPIC_MODEL=${shellWord(model)}
claude`,
    },
    {
      id: "anthropic-python",
      title: "Python, Anthropic SDK",
      note: "`pip install anthropic`",
      text: `import os
from anthropic import Anthropic

client = Anthropic(base_url="${baseUrl}", api_key=os.environ["WEIR_KEY"])
message = client.messages.create(
    model=${name},
    max_tokens=200,
    messages=[{"role": "user", "content": "Hello!"}],
)
print(message.content[0].text)`,
    },
    {
      id: "anthropic-typescript",
      title: "TypeScript, Anthropic SDK",
      note: "`npm install @anthropic-ai/sdk`",
      text: `import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({ baseURL: "${baseUrl}", apiKey: process.env.WEIR_KEY });
const message = await client.messages.create({
  model: ${name},
  max_tokens: 200,
  messages: [{ role: "user", content: "Hello!" }],
});
console.log(message.content);`,
    },
  ];
}
