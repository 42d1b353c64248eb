// Makes a tree equal to another one with as few changes as possible.

export function takeOver(old, fresh) {
  if (old.isEqualNode(fresh)) {
    return;
  }
  if (old.nodeName !== fresh.nodeName) {
    old.replaceWith(document.importNode(fresh, true));
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = fresh.nodeValue;
    return;
  }
  for (const { name } of [...old.attributes]) {
    // Whether a fold is open is the user's choice.
    if (!fresh.hasAttribute(name) && !(name === "open" && old.nodeName === "DETAILS")) {
      old.removeAttribute(name);
    }
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) {
      old.setAttribute(name, value);
    }
  }
  const [now, next] = [[...old.childNodes], [...fresh.childNodes]];
  now.slice(next.length).forEach((node) => node.remove());
  next.forEach((node, at) => {
    if (at < now.length) {
      takeOver(now[at], node);
    } else {
      old.append(document.importNode(node, true));
    }
  });
}
