# Completes moby-patch in bash. In ~/.bashrc: eval "$(moby-patch completion bash)"
_moby_patch() {
  local rest=${COMP_LINE:0:COMP_POINT} blank word words last cut ask line i
  words=()
  # bash cuts words at = and : as well: what follows without a blank belongs together.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    blank=${rest%%[![:space:]]*}
    rest=${rest#"$blank"}
    word=${COMP_WORDS[i]}
    if ((i == COMP_CWORD)); then word=$rest; fi
    rest=${rest#"$word"}
    if [[ $i -gt 0 && -z $blank ]]; then
      last=$((${#words[@]} - 1))
      words[last]=${words[last]}$word
    else
      words[${#words[@]}]=$word
    fi
  done
  word=${words[${#words[@]} - 1]}
  # Of such a word bash replaces only what stands behind the last cut.
  cut=
  if [[ $COMP_WORDBREAKS == *=* ]]; then cut=${word%"${word##*=}"}; fi
  COMPREPLY=()
  ask=
  while IFS= read -r line; do
    if [[ $line == :* ]]; then ask=$line; continue; fi
    line=${line%%$'\t'*}
    COMPREPLY[${#COMPREPLY[@]}]=${line#"$cut"}
  done < <(moby-patch __complete -- "${words[@]:1}" 2>/dev/null)
  # Files alone are left to bash, which does it with all quotes when there are no replies.
  if [[ $ask == *files* && ${#COMPREPLY[@]} -eq 0 ]]; then return; fi
  case $ask in
    *files*) last=-f ;;
    *folders*) last=-d ;;
    *) last= ;;
  esac
  if [[ -n $last ]]; then
    while IFS= read -r line; do
      COMPREPLY[${#COMPREPLY[@]}]=$line
    done < <(compgen "$last" -- "${word#"$cut"}")
  fi
  if ! type compopt &>/dev/null; then return; fi
  if [[ -n $last ]]; then compopt -o filenames; fi
  if [[ $ask == *nospace* ]]; then compopt -o nospace; fi
  compopt +o default +o bashdefault
}
complete -o bashdefault -o default -F _moby_patch moby-patch
