import { completerName, type Shell } from '../completion.js';

// Also for the bash 3.2 of macOS: no compopt, no negative indexes, no mapfile.
const bash = `# Completes moby-patch in bash. In ~/.bashrc: eval "$(moby-patch completion bash)"
_moby_patch() {
  local rest=\${COMP_LINE:0:COMP_POINT} blank word words last cut ask line i
  words=()
  # bash cuts words at = and : as well: what follows without a blank belongs together.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    blank=\${rest%%[![:space:]]*}
    rest=\${rest#"$blank"}
    word=\${COMP_WORDS[i]}
    if ((i == COMP_CWORD)); then word=$rest; fi
    rest=\${rest#"$word"}
    if [[ $i -gt 0 && -z $blank ]]; then
      last=$((\${#words[@]} - 1))
      words[last]=\${words[last]}$word
    else
      words[\${#words[@]}]=$word
    fi
  done
  word=\${words[\${#words[@]} - 1]}
  # Of such a word bash replaces only what stands behind the last cut.
  cut=
  if [[ $COMP_WORDBREAKS == *=* ]]; then cut=\${word%"\${word##*=}"}; fi
  COMPREPLY=()
  ask=
  while IFS= read -r line; do
    if [[ $line == :* ]]; then ask=$line; continue; fi
    line=\${line%%$'\\t'*}
    COMPREPLY[\${#COMPREPLY[@]}]=\${line#"$cut"}
  done < <(moby-patch ${completerName} -- "\${words[@]:1}" 2>/dev/null)
  # Files alone are left to bash, which does it with all quotes when there are no replies.
  if [[ $ask == *files* && \${#COMPREPLY[@]} -eq 0 ]]; then return; fi
  case $ask in
    *files*) last=-f ;;
    *folders*) last=-d ;;
    *) last= ;;
  esac
  if [[ -n $last ]]; then
    while IFS= read -r line; do
      COMPREPLY[\${#COMPREPLY[@]}]=$line
    done < <(compgen "$last" -- "\${word#"$cut"}")
  fi
  if ! type compopt &>/dev/null; then return; fi
  if [[ -n $last ]]; then compopt -o filenames; fi
  if [[ $ask == *nospace* ]]; then compopt -o nospace; fi
  compopt +o default +o bashdefault
}
complete -o bashdefault -o default -F _moby_patch moby-patch
`;

const zsh = `#compdef moby-patch
# Completes moby-patch in zsh. In ~/.zshrc, below compinit: eval "$(moby-patch completion zsh)"
_moby-patch() {
  local line ask
  local -a given values shown end
  given=("\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}")
  for line in "\${(@f)$(moby-patch ${completerName} -- "\${given[@]}" 2>/dev/null)}"; do
    if [[ $line == :* ]]; then
      ask=$line
    elif [[ -n $line ]]; then
      values+=("\${line%%$'\\t'*}")
      shown+=("\${line/$'\\t'/  -- }")
    fi
  done
  if [[ $ask == *nospace* ]]; then end=(-S ''); fi
  if (( $#values )); then compadd -l -d shown "\${end[@]}" -a values; fi
  if [[ $PREFIX == --*=* ]]; then compset -P '*='; fi
  case $ask in
    *files*) _files ;;
    *folders*) _files -/ ;;
  esac
}
if [[ $funcstack[1] == _moby-patch ]]; then _moby-patch "$@"; else compdef _moby-patch moby-patch; fi
`;

const fish = `# Completes moby-patch in fish: moby-patch completion fish > ~/.config/fish/completions/moby-patch.fish
function __moby_patch_complete
    set -l given (commandline -opc) (commandline -ct)
    set -l ask :
    for line in (moby-patch ${completerName} -- $given[2..-1] 2>/dev/null)
        if string match -q ':*' -- $line
            set ask $line
        else
            printf '%s\\n' $line
        end
    end
    # Paths begin behind the = of --report=FILE, but fish wants the whole word.
    set -l cut (string match -r -- '^--[^=]*=' $given[-1])
    set -l typed (string replace -r -- '^--[^=]*=' '' $given[-1])
    switch $ask
        case '*files*'
            printf "$cut%s\\n" (__fish_complete_path "$typed")
        case '*folders*'
            printf "$cut%s\\n" (__fish_complete_directories "$typed" '')
    end
end
complete -c moby-patch -f -a '(__moby_patch_complete)'
`;

/** They only ask the program, at each key, what may come next: so a script never is out of date. */
export const completionScripts: Readonly<Record<Shell, string>> = { bash, zsh, fish };
