import { secretText } from './secret-text.js';

const EXPECTED = 'a token of 16 to 256 visible characters, without spaces; in quotes where it is a number';

/** What an operator has to know to change anything. */
export const adminToken = secretText(EXPECTED, (token) => /^[\x21-\x7e]{16,256}$/.test(token));
