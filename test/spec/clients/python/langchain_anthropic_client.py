import anthropic
from langchain_anthropic import ChatAnthropic
from langchain_tasks import serve_model


def make_model(task, settings):
    if task["unacceptable"]:
        settings["top_k"] = -5
    return ChatAnthropic(base_url=task["url"] + "/anthropic/eu", **settings)


serve_model(make_model, anthropic)
