/**
 * Text from a server, a driver or an object without what a terminal or an XML reader would take for more than a letter:
 * line breaks too, as a new line could pass for one of ours.
 */
export function plainText(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "�");
}
