// Words of more than one page, in Russian.

export const ru = {
  'language': 'Язык',
  'duration.days': '{n} дн.',
};
