/** Styles are sources: their text stands in the page. */
declare module "*.css" {
  const text: string;
  export default text;
}
