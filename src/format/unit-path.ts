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
