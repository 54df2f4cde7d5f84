import { textMatching } from './sample-text.js';

describe('text for a pattern', () => {
  it.each([
    String.raw`^c-\d{1,9}$`,
    '^[a-z]{2}(-[A-Z]{2})?$',
    String.raw`^\d{4}-\d{2}-\d{2}$`,
    '^(order|offer)-[0-9a-f]+$',
    String.raw`^[\w.+-]+@[\w-]+\.[a-z]{2,}$`,
    '^[A-Z]{3}[0-9]{6}x*y?z+$',
    String.raw`^(?:a|b)(?<rest>c\)d)\.$`,
    'free|^bound$',
    '',
  ])('is found for %s', (pattern) => {
    expect(textMatching(pattern)).toMatch(new RegExp(pattern, 'u'));
  });

  it.each([String.raw`^(?=.*\d)(?=.*[a-z]).{9}$`, String.raw`^(ab)\1$`, '^[^a]{7}$', '['])(
    'is not made up for %s',
    (pattern) => {
      expect(textMatching(pattern)).toBeUndefined();
    },
  );
});
