// The list of all ideas.

import { codecIdeas } from './codec-ideas.ts';
import { commandIdea } from './command-ideas.ts';
import { diskIdea } from './disk-idea.ts';
import { flagIdeas } from './flag-ideas.ts';
import { flagProcessIdea } from './flag-processes.ts';
import { frameIdea } from './frame-ideas.ts';
import { httpIdea } from './http-idea.ts';
import type { Idea } from './idea.ts';
import { peerIdea } from './peer-idea.ts';

export function allIdeas(): readonly Idea[] {
  return [httpIdea, ...flagIdeas, flagProcessIdea, ...codecIdeas, frameIdea, commandIdea, peerIdea, diskIdea];
}
