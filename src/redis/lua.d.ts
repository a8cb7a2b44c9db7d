/** Lua files are imported as text on both runtimes: `import text from "./x.lua" with { type: "text" }`. */
declare module "*.lua" {
  const text: string;
  export default text;
}
