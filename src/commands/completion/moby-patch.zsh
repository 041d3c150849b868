#compdef moby-patch
# Completes moby-patch in zsh. In ~/.zshrc, below compinit: eval "$(moby-patch completion zsh)"
_moby-patch() {
  local line ask
  local -a given values shown end
  given=("${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}")
  for line in "${(@f)$(moby-patch __complete -- "${given[@]}" 2>/dev/null)}"; do
    if [[ $line == :* ]]; then
      ask=$line
    elif [[ -n $line ]]; then
      values+=("${line%%$'\t'*}")
      shown+=("${line/$'\t'/  -- }")
    fi
  done
  if [[ $ask == *nospace* ]]; then end=(-S ''); fi
  if (( $#values )); then compadd -l -d shown "${end[@]}" -a values; fi
  if [[ $PREFIX == --*=* ]]; then compset -P '*='; fi
  case $ask in
    *files*) _files ;;
    *folders*) _files -/ ;;
  esac
}
if [[ $funcstack[1] == _moby-patch ]]; then _moby-patch "$@"; else compdef _moby-patch moby-patch; fi
