/** The environment variable by which a `run` step gets a parameter: no shell has variables with a dash. */
export function nameVariable(parameter: string): string {
  return parameter.replaceAll('-', '_');
}

/**
 * Variables that a shell, a loader or a common program takes for an instruction: a parameter of that name would change
 * what a script does before its first line.
 */
const reserved =
  /^(?:_|BASHOPTS|CDPATH|E?UID|ENV|GCONV_PATH|GETCONF_DIR|GID|GLOBIGNORE|HOME|HOSTALIASES|HOSTNAME|IFS|LANG|LANGUAGE|LINENO|LOCALDOMAIN|LOCPATH|LOGNAME|MAIL|MAILPATH|NIS_PATH|NLSPATH|NODE_OPTIONS|OLDPWD|OPTARG|OPTERR|OPTIND|PATH|POSIXLY_CORRECT|PPID|PROMPT_COMMAND|PS[0-4]|PWD|RANDOM|RES_OPTIONS|RUBYLIB|RUBYOPT|SECONDS|SHELL|SHELLOPTS|SHLVL|SOURCE_DATE_EPOCH|TAR_OPTIONS|TERM|TMPDIR|TZDIR|USER|(?:APT|BASH|DEBCONF|DEBIAN|DPKG|DYLD|GLIBC|KRB5|LC|LD|MALLOC|MOBY_PATCH|PERL5?|PYTHON)_?[A-Z0-9_]*)$/;

/** The text of a problem with the names of parameters; undefined for a name that a `run` step can have as a variable. */
export function explainName(name: string, all: readonly string[]): string | undefined {
  const variable = nameVariable(name);
  if (reserved.test(variable) || variable.startsWith('_moby_patch'))
    return `found a parameter called ${name}, wanted another name: the variable ${variable} tells shells and programs what to do`;
  const other = all.find((each) => each !== name && nameVariable(each) === variable);
  return other === undefined
    ? undefined
    : `found the parameters ${name} and ${other}, wanted names that differ in more than - and _: both are the variable ${variable}`;
}
