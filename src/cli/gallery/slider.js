// Two pictures of one photo under a divider that is dragged, and a loupe that shows both at 100%: one picture element is one
// pixel of the screen.
//
// How it is used: one plain script, no module, nothing loaded, and it works from file://. slider.css belongs to it. In the page,
// each comparison is
//
//     <div class="compare" data-name="a.png" data-before="in/a.png" data-after="out/a.png" data-width="640" data-height="480">
//       <img class="before" alt="before" src="(small)"> <img class="after" alt="after" src="(small)">
//     </div>
//
// where data-before and data-after are the URLs of the pictures at full size (blob: and data: URLs too), which are loaded when
// the loupe is opened, and data-width and data-height say how many pixels those have. compareAll(root) sets up every comparison
// below root, and may be called again after more have been added; this script calls it for the document once that is there.
// The two pictures may differ in size: they are laid over each other, and the loupe enlarges the smaller one.
//
// Mouse, pen and touch: dragging moves the divider, and the place that an open loupe shows; with a mouse, hovering moves that
// place too. Dragging in the loupe moves the pictures in it. Keyboard: left, right, Home and End on the photo move the divider, L
// opens and closes the loupe; all four arrows in the loupe move the place. With Shift the steps are larger.

"use strict";

function compareAll(root) {
  const SIDES = ["before", "after"];
  const within = (value, low, high) => Math.min(Math.max(value, low), high);

  function element(tag, className, parent) {
    const made = document.createElement(tag);
    made.className = className;
    parent.append(made);
    return made;
  }

  function setUp(box) {
    const name = box.dataset.name || "photo";
    const size = { width: Number(box.dataset.width) || 1, height: Number(box.dataset.height) || 1 };
    const small = SIDES.map((side) => box.querySelector("img." + side));
    const stage = element("div", "stage", box);
    stage.style.setProperty("--ratio", size.width / size.height);
    small.forEach((image) => { image.draggable = false; stage.append(image); });
    SIDES.forEach((side) => { element("span", "label " + side, stage).textContent = side; });
    element("div", "divider", stage);
    const mark = element("div", "mark", stage);
    mark.hidden = true;
    stage.tabIndex = 0;
    const about = {
      role: "slider", "aria-label": "divider between before and after, " + name, "aria-valuemin": 0, "aria-valuemax": 100,
    };
    Object.entries(about).forEach(([key, value]) => stage.setAttribute(key, value));
    const button = element("button", "open", box);
    button.type = "button";
    button.textContent = "Loupe";
    button.setAttribute("aria-label", "Loupe: " + name);
    button.setAttribute("aria-expanded", "false");
    box.classList.add("ready");

    const place = { x: 0.5, y: 0.5 };
    let divider, loupe = null;

    function divide(percent) {
      divider = within(percent, 0, 100);
      stage.style.setProperty("--at", divider + "%");
      stage.setAttribute("aria-valuenow", Math.round(divider));
      stage.setAttribute("aria-valuetext", Math.round(divider) + "% before");
    }

    function fractions(event) {
      const area = stage.getBoundingClientRect();
      return { x: (event.clientX - area.left) / area.width, y: (event.clientY - area.top) / area.height };
    }

    // The larger of both sizes, in pixels of the page: both panes show the same part of the photo.
    function shown() {
      const most = (side) => Math.max(...loupe.panes.map((pane) => pane.size[side]));
      const ratio = window.devicePixelRatio || 1;
      return { width: most("width") / ratio, height: most("height") / ratio };
    }

    function look(x, y) {
      if (!loupe) return;
      const full = shown();
      const pane = { width: loupe.panes[0].node.clientWidth, height: loupe.panes[0].node.clientHeight };
      // What the pane can show beside its middle: near an edge it stays at that edge, and a small picture in the middle.
      const half = (side) => Math.min(pane[side] / full[side] / 2, 0.5);
      place.x = within(x, half("width"), 1 - half("width"));
      place.y = within(y, half("height"), 1 - half("height"));
      for (const { image } of loupe.panes) {
        Object.assign(image.style, {
          width: full.width + "px",
          height: full.height + "px",
          left: Math.round(pane.width / 2 - place.x * full.width) + "px",
          top: Math.round(pane.height / 2 - place.y * full.height) + "px",
        });
      }
      Object.assign(mark.style, {
        left: (place.x - half("width")) * 100 + "%",
        top: (place.y - half("height")) * 100 + "%",
        width: half("width") * 200 + "%",
        height: half("height") * 200 + "%",
      });
    }

    function pane(side, at, parent) {
      const node = element("div", "pane", parent);
      node.tabIndex = 0;
      node.setAttribute("role", "group");
      node.setAttribute("aria-label", side + " at 100%; arrow keys move");
      const image = element("img", "", node);
      image.alt = side + " at 100%";
      image.draggable = false;
      element("span", "label " + side, node).textContent = side;
      const made = { node, image, size: { ...size } };
      const thumbnail = small[at].dataset.small;
      image.addEventListener("load", () => {
        if (image.src === thumbnail) return;
        made.size = { width: image.naturalWidth, height: image.naturalHeight };
        small[at].src = image.src;
        look(place.x, place.y);
      });
      image.addEventListener("error", () => {
        if (image.src === thumbnail) return;
        image.src = thumbnail;
        element("p", "note", parent).textContent =
          "The file with the photo " + side + " cannot be shown here: it has moved, or this browser does not read its format. " +
          "The small picture stands in for it.";
      });
      drag(node, (event, last) => {
        const full = shown();
        const moved = { x: (event.clientX - last.x) / full.width, y: (event.clientY - last.y) / full.height };
        look(place.x - moved.x, place.y - moved.y);
      });
      node.addEventListener("keydown", (event) => {
        const step = event.shiftKey ? 100 : 10;
        const [x, y] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] || [0, 0];
        if (!x && !y) return;
        event.preventDefault();
        const full = shown();
        look(place.x + x * step / full.width, place.y + y * step / full.height);
      });
      image.src = box.dataset[side] || thumbnail;
      return made;
    }

    function toggle() {
      if (loupe) {
        loupe.node.remove();
        loupe = null;
        // Large pictures take memory only while somebody looks at them.
        small.forEach((image) => { image.src = image.dataset.small; });
      } else {
        small.forEach((image) => { image.dataset.small = image.src; });
        const node = element("div", "loupe", box);
        loupe = { node, panes: SIDES.map((side, at) => pane(side, at, node)) };
      }
      mark.hidden = !loupe;
      box.classList.toggle("opened", Boolean(loupe));
      button.setAttribute("aria-expanded", String(Boolean(loupe)));
      look(place.x, place.y);
    }

    drag(stage, (event) => {
      const { x, y } = fractions(event);
      divide(x * 100);
      look(x, y);
    });
    stage.addEventListener("pointermove", (event) => {
      if (event.pointerType === "mouse" && !event.buttons) {
        const { x, y } = fractions(event);
        look(x, y);
      }
    });
    stage.addEventListener("keydown", (event) => {
      const step = event.shiftKey ? 10 : 1;
      const to = { ArrowLeft: divider - step, ArrowRight: divider + step, Home: 0, End: 100 }[event.key];
      if (to !== undefined) divide(to);
      else if (event.key.toLowerCase() === "l" && !event.ctrlKey && !event.metaKey && !event.altKey) toggle();
      else return;
      event.preventDefault();
    });
    button.addEventListener("click", toggle);
    const resized = () => {
      // Pages may take comparisons away.
      if (box.isConnected) look(place.x, place.y);
      else window.removeEventListener("resize", resized);
    };
    window.addEventListener("resize", resized);
    divide(50);
  }

  // Tells `moved` of every step of a drag that begins in `node`, the first press too, and where the step before was.
  function drag(node, moved) {
    let last = null;
    const step = (event) => {
      moved(event, last);
      last = { x: event.clientX, y: event.clientY };
    };
    node.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      node.setPointerCapture(event.pointerId);
      last = { x: event.clientX, y: event.clientY };
      step(event);
    });
    node.addEventListener("pointermove", (event) => { if (last) step(event); });
    for (const end of ["pointerup", "pointercancel"]) node.addEventListener(end, () => { last = null; });
  }

  root.querySelectorAll(".compare:not(.ready)").forEach(setUp);
}

if (document.readyState === "loading") {
  document.addEventListener("DOMContentLoaded", () => compareAll(document));
} else {
  compareAll(document);
}
