import { showPath } from '../../format/path.js';
import type { Difference, TreeDiff } from '../../model/image/diff.js';
import { renderDifference } from '../diff.js';
import { type Markup, mark } from '../markup.js';

/** A package manager's run may have tens of thousands, too many for a browser. */
const mostDifferences = 5000;
/** Folders of a longer list are closed at first. */
const mostOpen = 60;

interface Folder {
  readonly folders: Map<string, Folder>;
  readonly files: Difference[];
}

/** Folders that are nested in the page. A path may have 2048 of them, and no browser nests so many elements. */
const deepest = 32;

const signs = { added: '+', removed: '-', changed: '~' } as const;

/** The differences as a tree of folders, with a filter above it. */
export function createChangeTree({ differences }: TreeDiff): Markup {
  const shown = differences.slice(0, mostDifferences);
  const root: Folder = { folders: new Map(), files: [] };
  for (const difference of shown) findFolder(root, difference.path).files.push(difference);
  const more = differences.length - shown.length;
  const rest = more > 0 ? mark`<p>and ${more} more: a .json report has all of them</p>\n` : [];
  return mark`${createFilter(shown.length)}${createList(root, shown.length <= mostOpen)}${rest}`;
}

function findFolder(root: Folder, path: string): Folder {
  let folder = root;
  for (const name of path.split('/').slice(0, -1).slice(0, deepest)) {
    const next = folder.folders.get(name) ?? { folders: new Map(), files: [] };
    folder.folders.set(name, next);
    folder = next;
  }
  return folder;
}

/** Hidden until the script runs that it needs. */
function createFilter(count: number): Markup {
  const boxes = Object.keys(signs).map(
    (kind) =>
      mark`<label><input type="checkbox" value="${kind}" checked="checked" /> <span class="${kind}">${kind}</span></label>\n`,
  );
  return mark`<div class="filter" hidden="hidden">
<input type="search" id="search" placeholder="part of a path" aria-label="Show only paths with this text" />
${boxes}<span id="shown" role="status">${count} shown</span>
</div>
`;
}

function createList(folder: Folder, isOpen: boolean): Markup {
  const folders = [...folder.folders].map(([name, inner]) => createFolder(name, inner, isOpen));
  return mark`<ul class="tree">\n${folders}${folder.files.map(createFile)}</ul>\n`;
}

/** A chain of folders with nothing else in them is one line. */
function createFolder(name: string, folder: Folder, isOpen: boolean): Markup {
  const [only, ...others] = folder.folders;
  if (only !== undefined && others.length === 0 && folder.files.length === 0)
    return createFolder(`${name}/${only[0]}`, only[1], isOpen);
  const open = isOpen ? ' open="open"' : '';
  return mark`<li class="folder"><details${{ markup: open }}><summary>${showPath(name)}/ <span class="count">${countFiles(folder)}</span></summary>
${createList(folder, isOpen)}</details></li>
`;
}

function countFiles({ folders, files }: Folder): number {
  return [...folders.values()].reduce((sum, folder) => sum + countFiles(folder), files.length);
}

function createFile(difference: Difference): Markup {
  const { kind, path } = difference;
  const { what, text } = renderDifference(difference);
  const name = showPath(path === '' ? '.' : nameBelow(path));
  const lines = text.length === 0 ? [] : mark`<pre>${createLines(text)}</pre>`;
  return mark`<li data-kind="${kind}" data-path="${showPath(path)}"><span class="kind ${kind}" title="${kind}">${signs[kind]}</span> ${name} <span class="what">${what}</span>${lines}</li>
`;
}

/** What stands behind the folders that the tree shows. */
function nameBelow(path: string): string {
  const names = path.split('/');
  return names.slice(Math.min(names.length - 1, deepest)).join('/');
}

function createLines(text: readonly string[]): Markup[] {
  return text.map((line) => {
    const name = line.startsWith('+') ? 'plus' : line.startsWith('-') ? 'minus' : '';
    return mark`<span class="${name}">${line}</span>${{ markup: '\n' }}`;
  });
}
