/**
 * Does something for many items at once. If that fails, the items are halved until the ones that are at fault stand
 * alone: `onBroken` gets each of those with its error, and all the others are done.
 */
export async function inHalves<Item>(
  items: readonly Item[],
  body: (items: readonly Item[]) => Promise<void>,
  onBroken: (item: Item, error: unknown) => void,
): Promise<void> {
  const [first] = items;
  if (first === undefined) return;
  try {
    await body(items);
  } catch (error) {
    if (items.length === 1) {
      onBroken(first, error);
      return;
    }
    const middle = Math.ceil(items.length / 2);
    await inHalves(items.slice(0, middle), body, onBroken);
    await inHalves(items.slice(middle), body, onBroken);
  }
}
