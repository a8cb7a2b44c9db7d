/** Lua is source: `import text from "./x.lua" with { type: "text" }` on both runtimes. */
declare module "*.lua" {
  const text: string;
  export default text;
}
