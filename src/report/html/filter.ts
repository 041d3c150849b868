/**
 * The one script of the page: it hides what the search field and the three boxes exclude. Without it the page shows
 * everything. It has no & and no <, so it is the same text in HTML and XML. Its digest stands in the policy of the page, so no text of an image can run in its place.
 */
export const filterScript = `'use strict';
const field = document.querySelector('#search');
const boxes = [...document.querySelectorAll('.filter input[type=checkbox]')];
const leaves = [...document.querySelectorAll('li[data-kind]')];
const folders = [...document.querySelectorAll('ul.tree li.folder')].reverse();
const shown = document.querySelector('#shown');
function apply() {
  const text = field.value.toLowerCase();
  const kinds = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
  let count = 0;
  for (const leaf of leaves) {
    const fits = kinds.has(leaf.dataset.kind) ? leaf.dataset.path.toLowerCase().includes(text) : false;
    leaf.hidden = !fits;
    if (fits) count += 1;
  }
  for (const folder of folders) {
    folder.hidden = folder.querySelector('li[data-kind]:not([hidden])') === null;
    folder.querySelector('details').open ||= text !== '';
  }
  shown.textContent = count + ' shown';
}
if (field !== null) {
  field.closest('.filter').hidden = false;
  field.addEventListener('input', apply);
  for (const box of boxes) box.addEventListener('change', apply);
}
`;

/** Of the script, as a policy names one that may run. A test computes it anew. */
export const scriptDigest = 'sha256-o6GKXr7rIwNvVYgDjxu9KnRK1kPznMAvT7GsSe5/Eyk=';
