# Completes moby-patch in fish: moby-patch completion fish > ~/.config/fish/completions/moby-patch.fish
function __moby_patch_complete
    set -l given (commandline -opc) (commandline -ct)
    set -l ask :
    for line in (moby-patch __complete -- $given[2..-1] 2>/dev/null)
        if string match -q ':*' -- $line
            set ask $line
        else
            printf '%s\n' $line
        end
    end
    # Paths begin behind the = of --report=FILE, but fish wants the whole word.
    set -l cut (string match -r -- '^--[^=]*=' $given[-1])
    set -l typed (string replace -r -- '^--[^=]*=' '' $given[-1])
    switch $ask
        case '*files*'
            printf "$cut%s\n" (__fish_complete_path "$typed")
        case '*folders*'
            printf "$cut%s\n" (__fish_complete_directories "$typed" '')
    end
end
complete -c moby-patch -f -a '(__moby_patch_complete)'
