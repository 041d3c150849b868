/** The colours of text have a contrast of at least 4.5:1 on both backgrounds. */
export const style = `:root { color-scheme: light dark; --text: #1b1f24; --back: #f6f7f9; --card: #fff; --line: #d8dce2; --dim: #59626d; --good: #12693a; --good-soft: #e3f4ea; --bad: #b3261e; --bad-soft: #fbe9e7; --warn: #7a5200; --warn-soft: #fdf1d6; --accent: #1f5fbf; --s1: #1f5fbf; --s2: #12796b; --s3: #8a4fb5; --s4: #b3541e; --s5: #7a7f87; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e9ed; --back: #14171b; --card: #1d2126; --line: #39404a; --dim: #a5aeb9; --good: #7ed6a2; --good-soft: #173325; --bad: #ff9d92; --bad-soft: #3b1f1d; --warn: #f0c674; --warn-soft: #372c14; --accent: #8ab4f8; --s1: #5b8fe0; --s2: #3aa797; --s3: #b184d8; --s4: #dd8452; --s5: #8b929c; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem 1rem 4rem; font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); }
a { color: var(--accent); } a:focus-visible, summary:focus-visible, input:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
header { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: baseline; }
h1 { font-size: 1.35rem; margin: 0; overflow-wrap: anywhere; } h2 { font-size: 1.05rem; margin: 0 0 .75rem; } h3 { font-size: .95rem; margin: 1rem 0 .4rem; }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: .75rem 0 0; font-size: .9rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 1rem; margin-top: 1rem; }
.badge { border-radius: 99px; padding: .1rem .7rem; font-weight: 600; white-space: nowrap; }
.badge.passed { background: var(--good-soft); } .badge.failed, .badge.error { background: var(--bad-soft); } .badge.skipped { background: var(--line); color: var(--text); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem; margin-top: 1rem; }
.tile, section li { overflow-wrap: break-word; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .7rem .9rem; }
.tile b { display: block; font-size: 1.3rem; line-height: 1.3; font-variant-numeric: tabular-nums; } .tile span { color: var(--dim); font-size: .85rem; display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 4; overflow: hidden; } .tile b.passed, .tile b.failed, .tile b.error { font-size: 1.1rem; line-height: 1.75rem; }
.passed { color: var(--good); } .failed, .error, .removed { color: var(--bad); } .skipped { color: var(--dim); } .added { color: var(--good); } .changed, .warning { color: var(--warn); }
section.trouble { border-color: var(--bad); background: var(--bad-soft); } section.caution { border-color: var(--warn); background: var(--warn-soft); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; unicode-bidi: isolate; }
th { font-weight: 600; color: var(--dim); white-space: nowrap; }
td { overflow-wrap: break-word; } .scroll { position: relative; } td.number, th.number { text-align: right; } td.number { font-variant-numeric: tabular-nums; white-space: nowrap; } td > span { white-space: nowrap; } td.long { overflow-wrap: anywhere; min-width: 12rem; }
pre, code { font-family: ui-monospace, monospace; font-size: 13px; } pre { margin: .4rem 0; padding: .6rem .8rem; background: var(--back); border: 1px solid var(--line); border-radius: 6px; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
mark { background: none; color: inherit; font-weight: 700; } mark.blamed { color: var(--bad); } pre .plus { color: var(--good); } pre .minus { color: var(--bad); }
ul { margin: 0; padding-left: 1.2rem; } ul.tree, ul.tree ul { list-style: none; padding-left: 0; } ul.tree ul { padding-left: 1.1rem; border-left: 1px solid var(--line); margin-left: .35rem; }
ul.tree li { padding: .08rem 0; unicode-bidi: isolate; overflow-wrap: anywhere; } ul.tree .what { color: var(--dim); }
summary { cursor: pointer; } summary .count { color: var(--dim); font-size: .88rem; }
.kind { display: inline-block; width: 1.1rem; text-align: center; font-weight: 700; }
.filter { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; margin-bottom: .75rem; } .filter input[type=search] { flex: 1 1 14rem; padding: .35rem .6rem; font: inherit; color: inherit; background: var(--back); border: 1px solid var(--line); border-radius: 6px; }
.strip { display: flex; gap: 1px; height: 1.6rem; border-radius: 4px; overflow: hidden; background: var(--line); margin: .3rem 0; } .strip span { min-width: 3px; } .strip .cpio { background: var(--s1); } .strip .root { background: var(--s2); } .strip .padding { background: var(--line); } .strip .opaque { background: var(--s4); } .strip .other { background: var(--s3); }
.strip .stage-0 { background: var(--s1); } .strip .stage-1 { background: var(--s2); } .strip .stage-2 { background: var(--s3); } .strip .stage-3 { background: var(--s4); } .strip .stage-4 { background: var(--s5); }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: .85rem; color: var(--dim); } .legend i, .swatch i { display: inline-block; width: .7rem; height: .7rem; border-radius: 2px; margin-right: .35rem; }
:is(.legend, .swatch) .stage-0 { background: var(--s1); } :is(.legend, .swatch) .stage-1 { background: var(--s2); } :is(.legend, .swatch) .stage-2 { background: var(--s3); } :is(.legend, .swatch) .stage-3 { background: var(--s4); } :is(.legend, .swatch) .stage-4 { background: var(--s5); }
.swatch { display: inline-block; min-width: 1.05rem; } .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.maps { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: .5rem 1rem; } figure { margin: 0; } figcaption { color: var(--dim); font-size: .88rem; margin-bottom: .2rem; }
.map { position: relative; height: 15rem; border-radius: 6px; overflow: hidden; background: var(--line); } .map span { position: absolute; overflow: hidden; padding: .2rem .35rem; font-size: .78rem; line-height: 1.25; color: #fff; border: 1px solid var(--card); white-space: nowrap; text-overflow: ellipsis; } .map b { display: block; overflow: hidden; text-overflow: ellipsis; } .scroll + .scroll, .maps + .scroll { margin-top: .75rem; }
.map .stage-0 { background: #1f5fbf; } .map .stage-1 { background: #12796b; } .map .stage-2 { background: #8a4fb5; } .map .stage-3 { background: #b3541e; } .map .stage-4 { background: #5f656e; }
[hidden] { display: none !important; }
@media (max-width: 40rem) { section { padding: .8rem; } thead { display: none; } table, tbody, tr, td, th { display: block; } tr { padding: .35rem 0; border-bottom: 1px solid var(--line); } td, th { border: 0; padding: .05rem 0; } td { display: inline; margin-right: .75rem; } td.number { text-align: left; } td:empty { display: none; } td[data-label]::before { content: attr(data-label) ':\\a0'; color: var(--dim); font-size: .85em; } td.long { min-width: 0; } }
@media print { body { max-width: none; background: none; } nav, .filter { display: none; } }
`;
