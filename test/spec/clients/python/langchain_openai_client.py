import openai
from langchain_openai import ChatOpenAI
from langchain_tasks import serve_model


def make_model(task, settings):
    if task["unacceptable"]:
        settings["temperature"] = 9
    return ChatOpenAI(base_url=task["url"] + "/openai/eu/v1", **settings)


serve_model(make_model, openai)
