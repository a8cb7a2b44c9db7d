import anthropic
from tasks import serve


def perform(task, observation):
    client = anthropic.Anthropic(base_url=task["url"] + "/anthropic/eu", api_key=task["key"], max_retries=task["retries"])
    asked = {"model": task["model"], "max_tokens": 1024, "messages": [{"role": "user", "content": task["prompt"]}]}
    if task["unacceptable"]:
        # The newest client has no such parameter any more.
        asked["extra_body"] = {"top_k": -5}
    ACTIONS[task["action"]](client, asked, task, observation)


def answer(client, asked, task, observation):
    message = client.messages.create(**asked)
    observation["text"] = text_of(message)
    observation["usage"] = usage_of(message)


def stream(client, asked, task, observation):
    pieces = observation["pieces"] = []
    with client.messages.stream(**asked) as events:
        for text in events.text_stream:
            pieces.append(text)
        observation["usage"] = usage_of(events.get_final_message())


def tools(client, asked, task, observation):
    tool = task["tool"]
    asked["tools"] = [{"name": tool["name"], "description": tool["description"], "input_schema": tool["schema"]}]
    message = client.messages.create(**asked)
    use = next(block for block in message.content if block.type == "tool_use")
    observation["call"] = {"name": use.name, "arguments": use.input}
    asked["messages"] += [
        {"role": "assistant", "content": message.content},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use.id, "content": tool["result"]}]},
    ]
    observation["text"] = text_of(client.messages.create(**asked))


def structured(client, asked, task, observation):
    from pydantic import BaseModel

    class Weather(BaseModel):
        city: str
        degrees: float

    observation["value"] = client.messages.parse(**asked, output_format=Weather).parsed_output.model_dump()


def count(client, asked, task, observation):
    counted = client.messages.count_tokens(model=asked["model"], messages=asked["messages"])
    observation["counted"] = counted.input_tokens


def list_models(client, asked, task, observation):
    observation["models"] = [model.id for model in client.models.list()]


def text_of(message):
    return "".join(block.text for block in message.content if block.type == "text")


def usage_of(message):
    return {"input": message.usage.input_tokens, "output": message.usage.output_tokens}


ACTIONS = {"answer": answer, "stream": stream, "tools": tools, "structured": structured, "list": list_models, "count": count}

serve(perform, anthropic)
