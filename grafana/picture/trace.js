"use strict";
// Draws one trace's rows, which waterfall.py made.
const make = (parent, tag, className = "", text = "") => {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  parent.append(element);
  return element;
};

document.querySelector("h1").textContent = shapes.title;
document.querySelector("#about").textContent = shapes.about;
const box = make(document.querySelector("main"), "div", "waterfall");
const ruler = make(box, "div", "ruler");
make(ruler, "div", "names", "span");
const scale = make(ruler, "div", "track");
for (const [share, text] of shapes.ruler) make(scale, "span", "", text).style.left = `${share * 100}%`;
for (const span of shapes.spans) {
  const row = make(box, "div", "span");
  make(row, "div", "names", span.name).style.paddingLeft = `${14 + 20 * span.depth}px`;
  const track = make(row, "div", "track");
  track.style.backgroundSize = `${(shapes.ruler[1][0] - shapes.ruler[0][0]) * 100}% 100%`;
  const bar = make(track, "div", "bar");
  Object.assign(bar.style, { left: `${span.from * 100}%`, width: `${span.share * 100}%`, background: span.color });
  make(track, "div", "took", span.took).style.left = `${(span.from + span.share) * 100}%`;
  const facts = make(box, "div", "facts");
  const tags = make(facts, "div");
  for (const [key, value] of span.tags) {
    const fact = make(tags, "span");
    make(fact, "b", "", key);
    fact.append(`=${value}`);
    tags.append(" ");
  }
  for (const link of span.links) {
    const line = make(facts, "div", "link", "");
    make(line, "i", "", "→ linked to ");
    line.append(link);
  }
}
