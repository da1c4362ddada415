/** A site with a load on it, for as long as the trouble lasts. */
import { Load } from './load/load.js';
import { planOf, type LoadPlan } from './load/plan.js';
import type { LoadReport } from './load/tally.js';
import { Site, type SiteOptions } from './server/site.js';

/** Starts a site, hands it to the work, and ends it whatever happens. A failure is told with the end of the site's log. */
export async function withSite<T>(options: SiteOptions, work: (site: Site) => Promise<T>): Promise<T> {
  const site = await Site.start(options);
  try {
    const result = await work(site);
    await site.stop();
    return result;
  } catch (error) {
    throw new Error(
      `${(error as Error).message}\n--- the end of the log of xgi ---\n${site.log.slice(-3000)}`,
      { cause: error },
    );
  } finally {
    site.destroy();
  }
}

const WARM_UP_ANSWERS = 200;

/** Begins the load, makes the trouble while it lasts, and stops it; how the load fared. */
export async function underLoad(
  site: Site,
  changes: Partial<LoadPlan>,
  trouble: (load: Load) => Promise<void>,
): Promise<LoadReport> {
  const load = new Load(planOf(site.port, changes));
  try {
    await load.answersFurther(WARM_UP_ANSWERS);
    await trouble(load);
    return await load.stop();
  } finally {
    await load.destroy();
  }
}
