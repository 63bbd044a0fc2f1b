// The page's elements. Text from outside goes into `textContent` and nowhere else.

export const byId = (id) => document.getElementById(id);

/** An element with attributes and children. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Writes only what differs: twice a second over the whole page, most of it is as it was. */
export function write(element, text, style = "") {
  if (element.textContent !== text) element.textContent = text;
  if (element.className !== style) element.className = style;
}

/**
 * Brings a table's body up to date. A row is a list of cells, each a text or `[text, class]`; rows
 * are kept in place, so that neither focus nor selection jumps.
 */
export function fill(body, rows, empty = "") {
  if (rows.length === 0 && empty) rows = [[[empty, "note"]]];
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach((cells, at) => {
    const row = body.rows[at] ?? body.insertRow();
    while (row.cells.length > cells.length) row.deleteCell(-1);
    cells.forEach((cell, index) => {
      const [text, style] = Array.isArray(cell) ? cell : [cell, ""];
      write(row.cells[index] ?? row.insertCell(), text, style);
    });
    if (empty) row.cells[0].colSpan = cells.length === 1 ? 20 : 1;
  });
}
