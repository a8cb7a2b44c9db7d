"""What both of LangChain's providers have in common."""

from langchain_core.messages import HumanMessage, ToolMessage
from tasks import serve


def serve_model(make_model, vendor):
    """LangChain hands on the exceptions of the vendor's library."""

    def perform(task, observation):
        settings = {"model": task["model"], "api_key": task["key"], "max_retries": task["retries"], "max_tokens": 1024}
        ACTIONS[task["action"]](make_model(task, settings), [HumanMessage(task["prompt"])], task, observation)

    serve(perform, vendor)


def answer(model, prompt, task, observation):
    message = model.invoke(prompt)
    observation["text"] = text_of(message)
    observation["usage"] = usage_of(message)


def stream(model, prompt, task, observation):
    pieces = observation["pieces"] = []
    whole = None
    for chunk in model.stream(prompt):
        if text_of(chunk):
            pieces.append(text_of(chunk))
        whole = chunk if whole is None else whole + chunk
    if whole.usage_metadata:
        observation["usage"] = usage_of(whole)


def tools(model, prompt, task, observation):
    tool = task["tool"]
    equipped = model.bind_tools([{"title": tool["name"], "description": tool["description"], **tool["schema"]}])
    message = equipped.invoke(prompt)
    call = message.tool_calls[0]
    observation["call"] = {"name": call["name"], "arguments": call["args"]}
    result = ToolMessage(content=tool["result"], tool_call_id=call["id"])
    observation["text"] = text_of(equipped.invoke(prompt + [message, result]))


def structured(model, prompt, task, observation):
    from pydantic import BaseModel

    class Weather(BaseModel):
        city: str
        degrees: float

    observation["value"] = model.with_structured_output(Weather).invoke(prompt).model_dump()


def text_of(message):
    if isinstance(message.content, str):
        return message.content
    return "".join(part.get("text", "") for part in message.content)


def usage_of(message):
    return {"input": message.usage_metadata["input_tokens"], "output": message.usage_metadata["output_tokens"]}


ACTIONS = {"answer": answer, "stream": stream, "tools": tools, "structured": structured}
