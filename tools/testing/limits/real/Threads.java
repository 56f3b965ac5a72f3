// SPDX-License-Identifier: GPL-2.0-only OR MIT
import java.util.concurrent.CountDownLatch;

/** As many threads as asked for, each with something on the heap; then all end. */
public class Threads {
	public static void main(String[] args) throws InterruptedException {
		int most = Integer.parseInt(args[0]);
		CountDownLatch begun = new CountDownLatch(most), end = new CountDownLatch(1);
		Thread[] threads = new Thread[most];

		for (int i = 0; i < most; i++) {
			threads[i] = new Thread(() -> {
				byte[] own = new byte[300 << 10];

				own[own.length - 1] = 1;
				begun.countDown();
				try {
					end.await();
				} catch (InterruptedException e) {
					own = null;
				}
			});
			threads[i].start();
		}
		begun.await();
		end.countDown();
		for (Thread t : threads)
			t.join();
		System.out.println("=> " + most + " threads");
	}
}
