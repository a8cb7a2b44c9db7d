/** Packages from PyPI of the tests' Python clients. Apart from the clients themselves, so that reading this list installs nothing. */

/** As the first users had them. The HTTP client has a fixed version, since a later one has dropped a parameter that both pass. */
export const THEN = ["anthropic==0.28.1", "httpx==0.27.2", "openai==1.35.15"];
export const NOW = ["anthropic==2.12.0", "openai==3.54.0"];
export const LANGCHAIN = ["langchain-anthropic==1.7.7", "langchain-openai==1.7.3"];
