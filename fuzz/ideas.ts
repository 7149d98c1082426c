// Everything that is thrown.

import { flagIdeas } from './flag-ideas.ts';
import { flagProcessIdea } from './flag-processes.ts';
import type { Idea } from './idea.ts';

export function allIdeas(): readonly Idea[] {
  return [...flagIdeas, flagProcessIdea];
}
