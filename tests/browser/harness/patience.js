// Waiting for what happens. It must not know what is waited for.

/** How long anything may take before a test is called off, in milliseconds. */
export const PATIENCE_MS = 30_000;

const LOOK_AGAIN_MS = 25;

/** Asks again and again until `look` brings something that is true, and returns that. */
export async function until(what, look, patience = PATIENCE_MS) {
  const end = performance.now() + patience;
  let last;
  for (;;) {
    last = await look();
    if (last) return last;
    if (performance.now() > end) throw new Error(`in ${patience} ms never came: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}
