// The words of the supervisor's pages, put beside the shared ones.
import { register } from '../shared/i18n.js';
import { en } from './i18n/en.js';
import { he } from './i18n/he.js';
import { ru } from './i18n/ru.js';

register({ he, ru, en });
