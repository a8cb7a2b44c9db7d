/** Style sheets are imported as text, for the page. */
declare module "*.css" {
  const text: string;
  export default text;
}
