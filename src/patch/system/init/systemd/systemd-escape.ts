/** A value in a unit, in which % begins a specifier. */
export function escapeSpecifiers(text: string): string {
  return text.replaceAll('%', '%%');
}

/** One word of a value that systemd splits into words (systemd.syntax(7)). */
export function quoteUnitWord(text: string): string {
  const escaped = escapeSpecifiers(text);
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(escaped)) return escaped;
  return `"${escaped.replace(/[\\"]/g, '\\$&')}"`;
}

/** A word of ExecStart=, in which $ begins a variable. */
export function quoteArgument(text: string): string {
  const word = quoteUnitWord(text.replaceAll('$', '$$$$'));
  // A word of its own, ; ends the command (systemd.service(5)).
  return word === '";"' ? '"\\x3b"' : word;
}
