// Words of more than one page, in English.

export const en = {
  'language': 'Language',
  'duration.days': '{n}d',
};
