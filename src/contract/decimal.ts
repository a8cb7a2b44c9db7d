/** What stands after the point, by thousandths: "", ".001" … ".999", without zeros at the end. */
const FRACTIONS = Array.from({ length: 1000 }, (_, thousandths) => String(thousandths / 1000).slice(1));

/** `1.5` for 1500: a whole number of thousandths, not below zero. The engines' own way to a fraction's digits costs more than all the rest of a log line. */
export function decimalText(thousandths: number): string {
  const whole = Math.floor(thousandths / 1000);
  return `${whole}${FRACTIONS[thousandths - whole * 1000]}`;
}
