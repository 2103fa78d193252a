// One paint a frame: whatever changes says so as often as it likes, and the page is drawn once before the next frame.
// A tab that nobody sees gets no frames, and so costs nothing.
let draw = null;
let isDue = false;
const afterwards = [];

export function drawWith(callback) {
  draw = callback;
}

export function changed() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(paint);
}

// Runs once, when the document has been made to match: for focus and scroll positions.
export function afterPaint(callback) {
  afterwards.push(callback);
  changed();
}

function paint() {
  isDue = false;
  draw();
  for (const callback of afterwards.splice(0)) callback();
}
