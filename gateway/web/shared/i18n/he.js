// Words of more than one page, in Hebrew.

export const he = {
  'language': 'שפה',
  'duration.days': '{n} ימ׳',
};
