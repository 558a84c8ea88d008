// What stands behind a number of a heat-map opens by itself (onggi.css), by pointer or keyboard. This closes it
// on Escape without moving the focus, until the cell is left, and puts it where it does not cover its cell.
'use strict';

const CELL = 'td.cell';
const OPEN = `${CELL}:is(:hover, :focus-within):not([data-closed])`;

function place(cell) {
  const note = cell?.querySelector('.evidence');
  if (!note) return;
  cell.removeAttribute('data-above');
  const own = cell.getBoundingClientRect();
  const below = note.getBoundingClientRect();
  if (below.top < own.bottom && below.bottom > own.top) cell.setAttribute('data-above', '');
}

function left(event) {
  const cell = event.target.closest?.(CELL);
  if (cell && !cell.contains(event.relatedTarget)) cell.removeAttribute('data-closed');
}

document.addEventListener('keydown', event => {
  if (event.key !== 'Escape') return;
  for (const cell of document.querySelectorAll(OPEN)) cell.setAttribute('data-closed', '');
});
for (const kind of ['focusin', 'mouseover']) {
  document.addEventListener(kind, event => place(event.target.closest?.(CELL)));
}
for (const kind of ['focusout', 'mouseout']) document.addEventListener(kind, left);
