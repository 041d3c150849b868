/** Colours of results have 4.5:1 on both backgrounds. */
export const style = `:root { color-scheme: light dark; --text: #1c2024; --back: #fff; --line: #d5d9de; --soft: #f3f5f7; --good: #176639; --bad: #b3261e; --dim: #5b636d; }
@media (prefers-color-scheme: dark) { :root { --text: #e4e7ea; --back: #15181b; --line: #3a4047; --soft: #1f2429; --good: #7bd29b; --bad: #ff9a8f; --dim: #a4adb7; } }
body { margin: 2rem auto; max-width: 70rem; padding: 0 1rem; font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; unicode-bidi: isolate; }
th { font-weight: 600; color: var(--dim); white-space: nowrap; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
pre { font-family: ui-monospace, monospace; font-size: 13px; }
pre { background: var(--soft); padding: .6rem .8rem; overflow-x: auto; white-space: pre-wrap; }
.passed { color: var(--good); } .failed, .error { color: var(--bad); } .skipped { color: var(--dim); }
pre.error { color: var(--text); border-left: 4px solid var(--bad); }
summary { cursor: pointer; }
.bar { display: block; height: .7rem; background: var(--dim); min-width: 1px; }
@media print { body { max-width: none; } }
`;
