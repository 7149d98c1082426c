import { keyValueStoreContract } from './key-value-store.ts';
import { lmdbHarness, TINY_JOURNAL } from './key-value-store-lmdb.ts';
import { simulatedHarness } from './key-value-store-simulated.ts';

keyValueStoreContract('JournaledStore', () => lmdbHarness());
keyValueStoreContract('JournaledStore with checkpoints all the time', () => lmdbHarness(TINY_JOURNAL));
keyValueStoreContract('SimulatedStore', simulatedHarness);
