/** The text so far: the prompt, the chosen tokens, the newest one marked. */

/**
 * Texts after each chosen token, so that a character which several tokens make up is marked as a whole.
 */
export class Story {
  /** @param {HTMLElement} element where it is shown */
  constructor(element) {
    this.element = element;
    this.begin("");
  }

  /** @param {string} text the prompt's */
  begin(text) {
    this.texts = [text];
    this.choices = [];
    this.#show();
  }

  /**
   * @param {string} text of all tokens, with the new one
   * @param {{colour: string, title: string}} choice how to mark the new one
   */
  add(text, choice) {
    this.texts.push(text);
    this.choices.push(choice);
    this.#show();
  }

  undo() {
    this.texts.pop();
    this.choices.pop();
    this.#show();
  }

  get length() {
    return this.choices.length;
  }

  #show() {
    const whole = this.texts.at(-1);
    const starts = this.texts.slice(1).map((text, index) => common(this.texts[index], text));
    for (let i = starts.length - 2; i >= 0; i--) starts[i] = Math.min(starts[i], starts[i + 1]);
    const prompt = document.createElement("span");
    prompt.textContent = whole.slice(0, starts[0] ?? whole.length);
    const chosen = this.choices.map((choice, index) => {
      const last = index === this.choices.length - 1;
      const span = document.createElement(last ? "mark" : "span");
      span.className = `chosen ${choice.colour}`;
      span.title = choice.title;
      span.textContent = whole.slice(starts[index], starts[index + 1] ?? whole.length);
      return span;
    });
    this.element.replaceChildren(prompt, ...chosen);
    this.element.scrollTop = this.element.scrollHeight;
  }
}

/** How many characters two texts have in common at their beginnings. */
function common(a, b) {
  let n = 0;
  while (n < a.length && a[n] === b[n]) n++;
  return n;
}
