/** Packages from PyPI of the tests' Python clients. Apart from the clients themselves: whoever reads this installs nothing. */

/** As the first users had them. Their HTTP client has since dropped a parameter that both pass, hence its version. */
export const THEN = ["anthropic==0.28.1", "httpx==0.27.2", "openai==1.35.15"];
export const NOW = ["anthropic==2.12.0", "openai==3.54.0"];
export const LANGCHAIN = ["langchain-anthropic==1.7.7", "langchain-openai==1.7.3"];
