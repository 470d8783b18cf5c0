// Makes a part of the page say what the forge says now and leaves everything that is the same as it stands: who types,
// has chosen, has unfolded or selected something there keeps it, also the focus and the place in a box that scrolls.

/** `next` holds the new content of `element`, and is emptied. */
export function renew(element, next) {
  const focused = element.contains(document.activeElement) ? document.activeElement : null;
  renewChildren(element, next);
  if (focused === null || focused === document.activeElement) return;
  // A row that changes its place loses the focus for a moment; what was made anew elsewhere is known by its name.
  const again = focused.isConnected ? focused : named(focused.id);
  again?.focus({ preventScroll: true });
}

const named = (id) => (id === '' ? null : document.getElementById(id));

function renewChildren(element, next) {
  const wanted = [...next.childNodes];
  const known = Map.groupBy(element.childNodes, keyOf);
  const kept = wanted.map((node) => known.get(keyOf(node))?.shift());
  // What is gone goes first: else what stays would change its place before it.
  for (const nodes of known.values()) for (const node of nodes) node.remove();
  let place = element.firstChild;
  for (const [at, node] of kept.entries()) {
    if (node === undefined) element.insertBefore(wanted[at], place);
    else {
      if (node === place) place = place.nextSibling;
      else element.insertBefore(node, place);
      renewNode(node, wanted[at]);
    }
  }
}

function renewNode(node, wanted) {
  if (node.isEqualNode(wanted) || isKept(node)) return;
  if (node.nodeType !== Node.ELEMENT_NODE) {
    node.nodeValue = wanted.nodeValue;
    return;
  }
  renewAttributes(node, wanted);
  renewChildren(node, wanted);
}

/**
 * A verdict is on the revision that was there when the reader came, not on one that has come since: the forge refuses it then.
 * And what the forge said of an order that it did not take stands in a place that it sends empty.
 */
const isKept = ({ dataset, classList }) => dataset?.kept !== undefined || classList?.contains('form-error');

/** What the reader has folded stays so, and what a script has shown or made able to have the focus. */
const isReaders = (node, name) =>
  name === 'tabindex' || name === 'hidden' || (name === 'open' && node.matches('details, dialog'));

function renewAttributes(node, wanted) {
  for (const { name, value } of wanted.attributes)
    if (node.getAttribute(name) !== value && !isReaders(node, name)) node.setAttribute(name, value);
  for (const name of node.getAttributeNames())
    if (!wanted.hasAttribute(name) && !isReaders(node, name)) node.removeAttribute(name);
}

const names = ['id', 'action', 'href', 'name', 'aria-labelledby', 'aria-label'];
const withValue = 'button, option, [type=checkbox], [type=radio]';
const rows = 'li, tr, article';

/** What a node is by: a row that is about something else is another row, and no field or link of it becomes one of that. */
function keyOf(node) {
  if (node.nodeType !== Node.ELEMENT_NODE) return node.nodeName;
  const own = nameOf(node);
  const about = own === '' && node.matches(rows) ? node.querySelector('[id], [action], a[href]') : null;
  return `${node.nodeName} ${own || (about === null ? node.classList[0] : nameOf(about))}`;
}

function nameOf(node) {
  const own = names.find((name) => node.hasAttribute(name));
  // Of the choices and buttons with one name each stands for its value.
  const value = node.matches(withValue) ? node.getAttribute('value') : '';
  return own === undefined ? value : `${node.getAttribute(own)} ${value}`;
}
