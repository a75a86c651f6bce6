// preact with htm, in one place: `html` makes elements, and every text in it becomes a text node.
import { h } from '../vendor/preact-11.2.0.js';
import htm from '../vendor/htm-3.1.1.js';

export { render, createContext } from '../vendor/preact-11.2.0.js';
export { useCallback, useContext, useEffect, useLayoutEffect, useMemo, useRef, useState } from '../vendor/preact-hooks-11.2.0.js';

/** @type {(strings: TemplateStringsArray, ...values: any[]) => any} */
export const html = htm.bind(h);
