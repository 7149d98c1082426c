import { checkSealed } from '../../src/engines/raft/codec/sealed-record.ts';
import { imagesContract } from './key-value-store-images.ts';
import { lmdbHarness, TINY_JOURNAL } from './key-value-store-lmdb.ts';
import { simulatedHarness } from './key-value-store-simulated.ts';

imagesContract('JournaledStore', () => lmdbHarness(undefined, checkSealed));
imagesContract('JournaledStore with checkpoints all the time', () => lmdbHarness(TINY_JOURNAL, checkSealed));
imagesContract('SimulatedStore', simulatedHarness);
