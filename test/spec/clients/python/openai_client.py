import json

import openai
from tasks import serve


def perform(task, observation):
    client = openai.OpenAI(base_url=task["url"] + "/openai/eu/v1", api_key=task["key"], max_retries=task["retries"])
    asked = {"model": task["model"], "messages": [{"role": "user", "content": task["prompt"]}]}
    if task["unacceptable"]:
        asked["temperature"] = 9
    ACTIONS[task["action"]](client, asked, task, observation)


def answer(client, asked, task, observation):
    completion = client.chat.completions.create(**asked)
    observation["text"] = completion.choices[0].message.content
    observation["usage"] = usage_of(completion)


def stream(client, asked, task, observation):
    pieces = observation["pieces"] = []
    for chunk in client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}):
        if chunk.choices and chunk.choices[0].delta.content:
            pieces.append(chunk.choices[0].delta.content)
        if chunk.usage:
            observation["usage"] = usage_of(chunk)


def tools(client, asked, task, observation):
    tool = task["tool"]
    definition = {"name": tool["name"], "description": tool["description"], "parameters": tool["schema"]}
    asked["tools"] = [{"type": "function", "function": definition}]
    message = client.chat.completions.create(**asked).choices[0].message
    call = message.tool_calls[0]
    observation["call"] = {"name": call.function.name, "arguments": json.loads(call.function.arguments)}
    asked["messages"] += [message, {"role": "tool", "tool_call_id": call.id, "content": tool["result"]}]
    observation["text"] = client.chat.completions.create(**asked).choices[0].message.content


def structured(client, asked, task, observation):
    from pydantic import BaseModel

    class Weather(BaseModel):
        city: str
        degrees: float

    parsed = client.chat.completions.parse(**asked, response_format=Weather).choices[0].message.parsed
    observation["value"] = parsed.model_dump()


def responses(client, asked, task, observation):
    from pydantic import BaseModel

    class Weather(BaseModel):
        city: str
        degrees: float

    model, tool, prompt = task["model"], task["tool"], task["prompt"]
    whole = client.responses.create(model=model, input=prompt)
    observation["text"] = whole.output_text
    observation["usage"] = {"input": whole.usage.input_tokens, "output": whole.usage.output_tokens}
    pieces = observation["pieces"] = []
    for event in client.responses.create(model=model, input=prompt, stream=True):
        if event.type == "response.output_text.delta":
            pieces.append(event.delta)
    definition = {"type": "function", "name": tool["name"], "parameters": tool["schema"], "strict": True}
    called = client.responses.create(model=model, input=tool["question"], tools=[definition])
    call = next(item for item in called.output if item.type == "function_call")
    observation["call"] = {"name": call.name, "arguments": json.loads(call.arguments)}
    parsed = client.responses.parse(model=model, input="Give the weather in Lisbon as data.", text_format=Weather)
    observation["value"] = parsed.output_parsed.model_dump()


def embeddings(client, asked, task, observation):
    made = client.embeddings.create(model=task["model"], input=[task["prompt"], "another text"])
    observation["vectors"] = [one.embedding for one in made.data]


def list_models(client, asked, task, observation):
    observation["models"] = [model.id for model in client.models.list()]


def usage_of(completion):
    return {"input": completion.usage.prompt_tokens, "output": completion.usage.completion_tokens}


ACTIONS = {"answer": answer, "stream": stream, "tools": tools, "structured": structured, "list": list_models, "responses": responses, "embeddings": embeddings}

serve(perform, openai)
