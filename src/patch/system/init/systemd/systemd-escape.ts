/** The name of a unit for a path, without its ending: `systemd-escape --path` (unit_name_path_escape of systemd). */
export function escapeUnitPath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '');
  return parts.length === 0 ? '-' : escapeUnitText(parts.join('/'));
}

function escapeUnitText(text: string): string {
  return [...Buffer.from(text)]
    .map((byte, index) => {
      const letter = String.fromCharCode(byte);
      if (letter === '/') return '-';
      const isPlain = /[A-Za-z0-9:_.]/.test(letter) && !(letter === '.' && index === 0);
      return isPlain ? letter : `\\x${byte.toString(16).padStart(2, '0')}`;
    })
    .join('');
}

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
