import type { Snippet, SnippetTarget } from "../description.ts";

export function openaiSnippets({ address, region, model }: SnippetTarget): Snippet[] {
  const baseUrl = `${address}/openai/${region}/v1`;
  const name = JSON.stringify(model);
  return [
    {
      id: "openai-python",
      title: "Python, OpenAI SDK",
      note: "`pip install openai`",
      text: `import os
from openai import OpenAI

client = OpenAI(base_url="${baseUrl}", api_key=os.environ["WEIR_KEY"])
completion = client.chat.completions.create(
    model=${name},
    messages=[{"role": "user", "content": "Hello!"}],
)
print(completion.choices[0].message.content)`,
    },
    {
      id: "openai-typescript",
      title: "TypeScript, OpenAI SDK",
      note: "`npm install openai`",
      text: `import OpenAI from "openai";

const client = new OpenAI({ baseURL: "${baseUrl}", apiKey: process.env.WEIR_KEY });
const completion = await client.chat.completions.create({
  model: ${name},
  messages: [{ role: "user", content: "Hello!" }],
});
console.log(completion.choices[0]?.message.content);`,
    },
  ];
}
