const programs = 'busybox|sh|dash|bash|init';
const libraries = 'ld|ld-[^/]*|lib(?:c|m|dl|crypt|resolv|pthread|tinfo)[.-][^/]*';
const configurations =
  'fstab|rc\\.conf|rc\\.conf\\.d/.*|init\\.d/[^/]*|ld\\.so\\.conf|ld\\.so\\.conf\\.d/.*|ld-musl-[^/]*';

const bootFile = new RegExp(
  `^[./]*(?:init|linuxrc|(?:usr/)?s?bin/(?:${programs})|(?:usr/)?lib[^/]*/(?:[^/]*/)?(?:${libraries})|etc/(?:${configurations})|(?:etc|usr/lib)/os-release)$`,
);

/**
 * Whether a record's name is one that `findHazards` and `describeSystem` mostly read: an image that holds these bodies from its
 * first reading on spares it another one. A miss costs time, nothing else.
 */
export function isBootFile(name: string): boolean {
  return bootFile.test(name);
}
