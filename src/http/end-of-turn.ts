// Answers that are ready at once wait for the end of the turn of the event loop: written together, they cost the system
// fewer wake-ups than one by one between the requests that are being read.

let waiting: (() => void)[] = [];

/** `action` must not throw. */
export function atEndOfTurn(action: () => void): void {
  if (waiting.push(action) === 1) setImmediate(runAll);
}

function runAll(): void {
  const actions = waiting;
  waiting = [];
  for (const action of actions) action();
}
