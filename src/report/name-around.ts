/** The file around a part, where the part was named with it: `v.iso` of `v.iso#boot/initrd.gz`. */
export function nameAround(name: string, part: string): string {
  return name.endsWith(`#${part}`) ? name.slice(0, -part.length - 1) : name;
}
