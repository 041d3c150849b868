/** Whether a text is a repository of a registry, as `oci://HOST/REPOSITORY` without a tag or digest. */
export function isRepository(text: string): boolean {
  return /^oci:\/\/[^@#]+$/.test(text) && !/:[^/]*$/.test(text.slice('oci://'.length).replace(/^[^/]*/, ''));
}
