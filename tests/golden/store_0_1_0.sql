BEGIN TRANSACTION;
CREATE TABLE arm (
	id INTEGER NOT NULL, 
	study_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	name VARCHAR(128) NOT NULL, 
	changes JSON NOT NULL, 
	is_baseline BOOLEAN NOT NULL, 
	CONSTRAINT pk_arm PRIMARY KEY (id), 
	CONSTRAINT fk_arm_study_id FOREIGN KEY(study_id) REFERENCES study (id) ON DELETE CASCADE, 
	CONSTRAINT uq_arm_study_id_name UNIQUE (study_id, name)
);
INSERT INTO "arm" VALUES(1,1,0,'baseline','{}',1);
INSERT INTO "arm" VALUES(2,1,1,'schedule=cosine','{"schedule": "cosine"}',0);
INSERT INTO "arm" VALUES(3,2,0,'baseline','{}',1);
INSERT INTO "arm" VALUES(4,2,1,'trial-0000','{"lr": 0.0002}',0);
INSERT INTO "arm" VALUES(5,2,2,'trial-0001','{"lr": 0.006231955706109435}',0);
INSERT INTO "arm" VALUES(6,2,3,'trial-0002','{"lr": 0.00033288588736438634}',0);
CREATE TABLE artifact (
	id INTEGER NOT NULL, 
	run_id INTEGER NOT NULL, 
	score_id INTEGER, 
	kind VARCHAR(16) NOT NULL, 
	path VARCHAR NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	bytes BIGINT NOT NULL, 
	step INTEGER NOT NULL, 
	token INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_artifact PRIMARY KEY (id), 
	CONSTRAINT fk_artifact_run_id FOREIGN KEY(run_id) REFERENCES run (id), 
	CONSTRAINT fk_artifact_score_id FOREIGN KEY(score_id) REFERENCES score (id) ON DELETE CASCADE, 
	CONSTRAINT uq_artifact_path UNIQUE (path)
);
INSERT INTO "artifact" VALUES(1,5,NULL,'weights','runs/39/39a46f1325181d1a/weights.1.pt','699bd7e4d89685379e5389b8509d85bbcbde6a43b7e0b104db9fe45fffc80ca8',68055,10,1,'2026-11-30 00:30:22.166000');
INSERT INTO "artifact" VALUES(2,5,9,'features','runs/39/39a46f1325181d1a/scores/5c523fb7d718a295.1/set0-features.npy','7875314d8bc4d2153cd18b18f6c5600c20e64d5b2cd0754ca28adafcbbba494e',16512,0,1,'2026-11-30 00:30:25.829000');
INSERT INTO "artifact" VALUES(3,5,9,'logits','runs/39/39a46f1325181d1a/scores/5c523fb7d718a295.1/set0-logits.npy','0d2bc453f8bb92077542ff88e75c70ee000fc1abcd3729a6d1ff932060b4aca2',2688,0,1,'2026-11-30 00:30:25.829000');
INSERT INTO "artifact" VALUES(4,5,9,'grid','runs/39/39a46f1325181d1a/scores/5c523fb7d718a295.1/set0-grid.png','2819a589667f8f5519c2fe10c9fadb212d65734e7836fad21327e0db18f11fa5',1048,0,1,'2026-11-30 00:30:25.829000');
INSERT INTO "artifact" VALUES(5,5,9,'features','runs/39/39a46f1325181d1a/scores/5c523fb7d718a295.1/set1-features.npy','c2279f488f1396a4fa19ac19f69dabf31fd7a3173165bb4e67a979e145afb348',16512,1,1,'2026-11-30 00:30:25.829000');
INSERT INTO "artifact" VALUES(6,5,9,'logits','runs/39/39a46f1325181d1a/scores/5c523fb7d718a295.1/set1-logits.npy','ad76ba7a058c05a63518194b345aa0529553d10001b877c80c7177fbd2cd53a0',2688,1,1,'2026-11-30 00:30:25.829000');
INSERT INTO "artifact" VALUES(7,5,9,'grid','runs/39/39a46f1325181d1a/scores/5c523fb7d718a295.1/set1-grid.png','46b2f09109aa3e05c7f058288feee11aa07ab007dbfdd157f9ac0031f21ca087',1040,1,1,'2026-11-30 00:30:25.829000');
INSERT INTO "artifact" VALUES(8,9,NULL,'weights','runs/d9/d9d3cc226d8930f1/weights.1.pt','4cc56bef04cad0d5a65b4fcd80eee2686c6c779708c62988abaa0960ef5cba27',34045,10,1,'2026-11-30 00:34:03.498000');
INSERT INTO "artifact" VALUES(9,9,17,'features','runs/d9/d9d3cc226d8930f1/scores/80c7ad8a40b2362f.1/set0-features.npy','26a88a341d2e2cca099dbcecafbf3b191c7e3f164293cd1d7b161341f8baa093',16512,0,1,'2026-11-30 00:34:10.490000');
INSERT INTO "artifact" VALUES(10,9,17,'logits','runs/d9/d9d3cc226d8930f1/scores/80c7ad8a40b2362f.1/set0-logits.npy','59cf37afefa2a2f032295b5153194955e94ddb865e108d4255a1fe6299c34cbd',2688,0,1,'2026-11-30 00:34:10.490000');
INSERT INTO "artifact" VALUES(11,9,17,'grid','runs/d9/d9d3cc226d8930f1/scores/80c7ad8a40b2362f.1/set0-grid.png','267c8a1b889a2984d6075e9a0c4980bc17256dd7700db76bc46a9558f88aec1d',1045,0,1,'2026-11-30 00:34:10.490000');
INSERT INTO "artifact" VALUES(12,9,17,'features','runs/d9/d9d3cc226d8930f1/scores/80c7ad8a40b2362f.1/set1-features.npy','7100d9b7d50e9b60cbfbbfcbf71d4da211dfda89245647501ea32e3d42b1a819',16512,1,1,'2026-11-30 00:34:10.490000');
INSERT INTO "artifact" VALUES(13,9,17,'logits','runs/d9/d9d3cc226d8930f1/scores/80c7ad8a40b2362f.1/set1-logits.npy','b65bf9b31dffba305d92d415a85ed4b0c894419bff15b2fc4435989e9e0ac1ad',2688,1,1,'2026-11-30 00:34:10.490000');
INSERT INTO "artifact" VALUES(14,9,17,'grid','runs/d9/d9d3cc226d8930f1/scores/80c7ad8a40b2362f.1/set1-grid.png','163436749e18f761986af3de2fcb95821403f10ff20d6789f0fe2e8ef6fd0965',1036,1,1,'2026-11-30 00:34:10.490000');
INSERT INTO "artifact" VALUES(15,10,NULL,'weights','runs/a7/a7bb3f73fe965479/weights.1.pt','4b16d293774b165bdc6c5ca30eb970257ddcaca8390f69613ca8e7126f950576',34045,10,1,'2026-11-30 00:34:15.258000');
INSERT INTO "artifact" VALUES(16,10,18,'features','runs/a7/a7bb3f73fe965479/scores/80c7ad8a40b2362f.1/set0-features.npy','5ad792be24285b93f2903596ef2c5f0f8eea73524e977de3cccfaa3f76697443',16512,0,1,'2026-11-30 00:34:17.629000');
INSERT INTO "artifact" VALUES(17,10,18,'logits','runs/a7/a7bb3f73fe965479/scores/80c7ad8a40b2362f.1/set0-logits.npy','8d3287023c65510f615a375964201b69a7214af6398732baf28c2bebefee55cb',2688,0,1,'2026-11-30 00:34:17.629000');
INSERT INTO "artifact" VALUES(18,10,18,'grid','runs/a7/a7bb3f73fe965479/scores/80c7ad8a40b2362f.1/set0-grid.png','2f23cc8ac3b4e8737fb4d51e7ada645f46f905255b55fa0f971fe939fb677f61',1108,0,1,'2026-11-30 00:34:17.629000');
INSERT INTO "artifact" VALUES(19,10,18,'features','runs/a7/a7bb3f73fe965479/scores/80c7ad8a40b2362f.1/set1-features.npy','4ff2a673407512dccc7029516cfd50203e9026108ca94ac27ef84a1cf7af58d7',16512,1,1,'2026-11-30 00:34:17.629000');
INSERT INTO "artifact" VALUES(20,10,18,'logits','runs/a7/a7bb3f73fe965479/scores/80c7ad8a40b2362f.1/set1-logits.npy','b65344374539bdefde9e6494756e939fc236f341e339186c1b544e54686c7378',2688,1,1,'2026-11-30 00:34:17.629000');
INSERT INTO "artifact" VALUES(21,10,18,'grid','runs/a7/a7bb3f73fe965479/scores/80c7ad8a40b2362f.1/set1-grid.png','49ba5cede8047b116c7a6a6a0b3bc8a46ab36bb6da5b05b9552a899475929b60',1107,1,1,'2026-11-30 00:34:17.629000');
INSERT INTO "artifact" VALUES(22,11,NULL,'weights','runs/c2/c23ebaa10524222b/weights.1.pt','133117ee71503204fd1ffeb0c121f49f4bd00138b00805eb94f6515dc525d9d3',34045,10,1,'2026-11-30 00:34:18.838000');
CREATE TABLE attempt (
	id INTEGER NOT NULL, 
	run_id INTEGER NOT NULL, 
	score_id INTEGER, 
	token INTEGER NOT NULL, 
	worker_id VARCHAR(36) NOT NULL, 
	first_step INTEGER NOT NULL, 
	last_step INTEGER NOT NULL, 
	started_at DATETIME NOT NULL, 
	ended_at DATETIME, 
	end_reason VARCHAR(32), 
	detail VARCHAR, device_workers INTEGER, peak_bytes BIGINT, 
	CONSTRAINT pk_attempt PRIMARY KEY (id), 
	CONSTRAINT fk_attempt_run_id FOREIGN KEY(run_id) REFERENCES run (id), 
	CONSTRAINT fk_attempt_score_id FOREIGN KEY(score_id) REFERENCES score (id) ON DELETE CASCADE, 
	CONSTRAINT fk_attempt_worker_id FOREIGN KEY(worker_id) REFERENCES worker (id)
);
INSERT INTO "attempt" VALUES(1,5,NULL,1,'152c6138-949f-4db5-931d-6e0c58486fc6',0,10,'2026-11-30 00:30:05.400000','2026-11-30 00:30:22.166000','trained',NULL,1,834629632);
INSERT INTO "attempt" VALUES(2,5,9,1,'152c6138-949f-4db5-931d-6e0c58486fc6',10,10,'2026-11-30 00:30:22.187000','2026-11-30 00:30:25.820000','complete',NULL,1,858832896);
INSERT INTO "attempt" VALUES(3,5,10,1,'152c6138-949f-4db5-931d-6e0c58486fc6',10,10,'2026-11-30 00:30:25.834000','2026-11-30 00:30:32.455000','released: preempted',NULL,1,NULL);
INSERT INTO "attempt" VALUES(4,9,NULL,1,'834dc3e2-d841-4843-89f4-81c1ca33d537',0,10,'2026-11-30 00:33:48.916000','2026-11-30 00:34:03.498000','trained',NULL,1,834621440);
INSERT INTO "attempt" VALUES(5,9,17,1,'834dc3e2-d841-4843-89f4-81c1ca33d537',10,10,'2026-11-30 00:34:03.503000','2026-11-30 00:34:10.482000','complete',NULL,1,858914816);
INSERT INTO "attempt" VALUES(6,10,NULL,1,'834dc3e2-d841-4843-89f4-81c1ca33d537',0,10,'2026-11-30 00:34:10.571000','2026-11-30 00:34:15.258000','trained',NULL,1,858914816);
INSERT INTO "attempt" VALUES(7,10,18,1,'834dc3e2-d841-4843-89f4-81c1ca33d537',10,10,'2026-11-30 00:34:15.266000','2026-11-30 00:34:17.629000','complete',NULL,1,858914816);
INSERT INTO "attempt" VALUES(8,11,NULL,1,'834dc3e2-d841-4843-89f4-81c1ca33d537',0,10,'2026-11-30 00:34:17.710000','2026-11-30 00:34:18.838000','trained',NULL,1,858914816);
INSERT INTO "attempt" VALUES(9,11,19,1,'834dc3e2-d841-4843-89f4-81c1ca33d537',10,10,'2026-11-30 00:34:18.846000','2026-11-30 00:34:22.715000','released: preempted',NULL,1,NULL);
CREATE TABLE cell (
	id INTEGER NOT NULL, 
	study_id INTEGER NOT NULL, 
	arm_id INTEGER NOT NULL, 
	phase VARCHAR(16) NOT NULL, 
	replicate INTEGER NOT NULL, 
	run_id INTEGER NOT NULL, 
	revision INTEGER NOT NULL, 
	trial_number INTEGER, 
	excluded_reason VARCHAR, 
	CONSTRAINT pk_cell PRIMARY KEY (id), 
	CONSTRAINT ck_cell_phase CHECK (phase IN ('search', 'confirm')), 
	CONSTRAINT fk_cell_arm_id FOREIGN KEY(arm_id) REFERENCES arm (id) ON DELETE CASCADE, 
	CONSTRAINT fk_cell_run_id FOREIGN KEY(run_id) REFERENCES run (id), 
	CONSTRAINT fk_cell_study_id FOREIGN KEY(study_id) REFERENCES study (id) ON DELETE CASCADE, 
	CONSTRAINT uq_cell_arm_id_phase_replicate UNIQUE (arm_id, phase, replicate), 
	CONSTRAINT uq_cell_study_id_trial_number UNIQUE (study_id, trial_number)
);
INSERT INTO "cell" VALUES(1,1,1,'confirm',0,5,1,NULL,NULL);
INSERT INTO "cell" VALUES(2,1,1,'confirm',1,7,1,NULL,NULL);
INSERT INTO "cell" VALUES(3,1,1,'confirm',2,3,1,NULL,NULL);
INSERT INTO "cell" VALUES(4,1,1,'confirm',3,2,1,NULL,NULL);
INSERT INTO "cell" VALUES(5,1,2,'confirm',0,1,1,NULL,NULL);
INSERT INTO "cell" VALUES(6,1,2,'confirm',1,8,1,NULL,NULL);
INSERT INTO "cell" VALUES(7,1,2,'confirm',2,6,1,NULL,NULL);
INSERT INTO "cell" VALUES(8,1,2,'confirm',3,4,1,NULL,NULL);
INSERT INTO "cell" VALUES(9,2,4,'search',0,9,1,0,NULL);
INSERT INTO "cell" VALUES(10,2,5,'search',0,10,1,1,NULL);
INSERT INTO "cell" VALUES(11,2,6,'search',0,11,1,2,NULL);
CREATE TABLE event (
	id INTEGER NOT NULL, 
	study_id INTEGER, 
	run_id INTEGER, 
	at DATETIME NOT NULL, 
	kind VARCHAR(32) NOT NULL, 
	message VARCHAR NOT NULL, 
	detail JSON NOT NULL, 
	CONSTRAINT pk_event PRIMARY KEY (id), 
	CONSTRAINT fk_event_run_id FOREIGN KEY(run_id) REFERENCES run (id), 
	CONSTRAINT fk_event_study_id FOREIGN KEY(study_id) REFERENCES study (id) ON DELETE CASCADE
);
INSERT INTO "event" VALUES(1,1,NULL,'2026-11-30 00:29:54.693000','revision','revision 1 accepted','{}');
INSERT INTO "event" VALUES(2,2,NULL,'2026-11-30 00:33:31.689000','revision','revision 1 accepted','{}');
CREATE TABLE measurement (
	score_id INTEGER NOT NULL, 
	name VARCHAR(32) NOT NULL, 
	noise_set INTEGER NOT NULL, 
	value DOUBLE NOT NULL, 
	standard_error DOUBLE, 
	CONSTRAINT pk_measurement PRIMARY KEY (score_id, name, noise_set), 
	CONSTRAINT fk_measurement_score_id FOREIGN KEY(score_id) REFERENCES score (id) ON DELETE CASCADE
);
INSERT INTO "measurement" VALUES(9,'fid',-1,7.63012553857427455739e+00,2.60051513565025871344e-01);
INSERT INTO "measurement" VALUES(9,'fid',0,7.54286358558184844014e+00,3.72796152354384957572e-01);
INSERT INTO "measurement" VALUES(9,'fid',1,7.71738749156670067463e+00,3.62670908151742354963e-01);
INSERT INTO "measurement" VALUES(9,'kid',-1,1.36216504790710724037e+00,1.34137055288207934777e-01);
INSERT INTO "measurement" VALUES(9,'kid',0,1.22802799261889927784e+00,1.30833825182873425552e-01);
INSERT INTO "measurement" VALUES(9,'kid',1,1.49630210319531520291e+00,1.14962679597246528184e-01);
INSERT INTO "measurement" VALUES(9,'inception_score',-1,2.66910789788453373105e+00,5.84921066286758686153e-03);
INSERT INTO "measurement" VALUES(9,'inception_score',0,2.66325868722166614332e+00,NULL);
INSERT INTO "measurement" VALUES(9,'inception_score',1,2.67495710854740131878e+00,NULL);
INSERT INTO "measurement" VALUES(9,'precision',-1,0.109375,0.0);
INSERT INTO "measurement" VALUES(9,'precision',0,0.109375,NULL);
INSERT INTO "measurement" VALUES(9,'precision',1,0.109375,NULL);
INSERT INTO "measurement" VALUES(9,'recall',-1,0.2421875,2.34374999999999965305e-02);
INSERT INTO "measurement" VALUES(9,'recall',0,0.265625,NULL);
INSERT INTO "measurement" VALUES(9,'recall',1,0.21875,NULL);
INSERT INTO "measurement" VALUES(9,'density',-1,0.2875,2.49999999999999944488e-02);
INSERT INTO "measurement" VALUES(9,'density',0,0.3125,NULL);
INSERT INTO "measurement" VALUES(9,'density',1,0.2625,NULL);
INSERT INTO "measurement" VALUES(9,'coverage',-1,0.3125,0.03125);
INSERT INTO "measurement" VALUES(9,'coverage',0,0.34375,NULL);
INSERT INTO "measurement" VALUES(9,'coverage',1,0.28125,NULL);
INSERT INTO "measurement" VALUES(17,'fid',-1,7.65399948701916699178e+00,2.5322141973649126001e-01);
INSERT INTO "measurement" VALUES(17,'fid',0,7.54171796665545457472e+00,3.73517698532130626443e-01);
INSERT INTO "measurement" VALUES(17,'fid',1,7.76628100738287940885e+00,3.42007132289251503109e-01);
INSERT INTO "measurement" VALUES(17,'kid',-1,1.36209842435702332963e+00,1.33633701699335943891e-01);
INSERT INTO "measurement" VALUES(17,'kid',0,1.228464722657687469e+00,1.32329495799673152456e-01);
INSERT INTO "measurement" VALUES(17,'kid',1,1.4957321260563594123e+00,1.15354579880240157296e-01);
INSERT INTO "measurement" VALUES(17,'inception_score',-1,2.64645155909709117736e+00,0.0194119038790308);
INSERT INTO "measurement" VALUES(17,'inception_score',0,2.62703965521806059868e+00,NULL);
INSERT INTO "measurement" VALUES(17,'inception_score',1,2.66586346297612220013e+00,NULL);
INSERT INTO "measurement" VALUES(17,'precision',-1,0.109375,0.0);
INSERT INTO "measurement" VALUES(17,'precision',0,0.109375,NULL);
INSERT INTO "measurement" VALUES(17,'precision',1,0.109375,NULL);
INSERT INTO "measurement" VALUES(17,'recall',-1,0.234375,0.03125);
INSERT INTO "measurement" VALUES(17,'recall',0,0.265625,NULL);
INSERT INTO "measurement" VALUES(17,'recall',1,0.203125,NULL);
INSERT INTO "measurement" VALUES(17,'density',-1,0.28125,2.81250000000000076327e-02);
INSERT INTO "measurement" VALUES(17,'density',0,0.309375,NULL);
INSERT INTO "measurement" VALUES(17,'density',1,0.253125,NULL);
INSERT INTO "measurement" VALUES(17,'coverage',-1,0.3125,0.03125);
INSERT INTO "measurement" VALUES(17,'coverage',0,0.34375,NULL);
INSERT INTO "measurement" VALUES(17,'coverage',1,0.28125,NULL);
INSERT INTO "measurement" VALUES(18,'fid',-1,7.41787282608118836435e+00,2.4552239088097907449e-01);
INSERT INTO "measurement" VALUES(18,'fid',0,7.4788312967946559695e+00,3.60850931858055945511e-01);
INSERT INTO "measurement" VALUES(18,'fid',1,7.3569143553677207592e+00,3.33033906190978945538e-01);
INSERT INTO "measurement" VALUES(18,'kid',-1,1.30145571410933813538e+00,9.19551307907944120989e-02);
INSERT INTO "measurement" VALUES(18,'kid',0,1.23466708140436565166e+00,1.42373290892528037154e-01);
INSERT INTO "measurement" VALUES(18,'kid',1,1.36824434681431039706e+00,1.16416624051034978126e-01);
INSERT INTO "measurement" VALUES(18,'inception_score',-1,2.73804905111462915101e+00,8.29722280053135641253e-02);
INSERT INTO "measurement" VALUES(18,'inception_score',0,2.65507682310931558689e+00,NULL);
INSERT INTO "measurement" VALUES(18,'inception_score',1,2.82102127911994271514e+00,NULL);
INSERT INTO "measurement" VALUES(18,'precision',-1,0.1171875,2.34374999999999965305e-02);
INSERT INTO "measurement" VALUES(18,'precision',0,0.09375,NULL);
INSERT INTO "measurement" VALUES(18,'precision',1,0.140625,NULL);
INSERT INTO "measurement" VALUES(18,'recall',-1,0.28125,0.03125);
INSERT INTO "measurement" VALUES(18,'recall',0,0.25,NULL);
INSERT INTO "measurement" VALUES(18,'recall',1,0.3125,NULL);
INSERT INTO "measurement" VALUES(18,'density',-1,0.3109375,3.28124999999999944488e-02);
INSERT INTO "measurement" VALUES(18,'density',0,0.34375,NULL);
INSERT INTO "measurement" VALUES(18,'density',1,0.278125,NULL);
INSERT INTO "measurement" VALUES(18,'coverage',-1,0.359375,0.0);
INSERT INTO "measurement" VALUES(18,'coverage',0,0.359375,NULL);
INSERT INTO "measurement" VALUES(18,'coverage',1,0.359375,NULL);
CREATE TABLE metric (
	run_id INTEGER NOT NULL, 
	name VARCHAR(32) NOT NULL, 
	step INTEGER NOT NULL, 
	images BIGINT NOT NULL, 
	value DOUBLE, 
	token INTEGER NOT NULL, 
	CONSTRAINT pk_metric PRIMARY KEY (run_id, name, step), 
	CONSTRAINT fk_metric_run_id FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
);
INSERT INTO "metric" VALUES(5,'train_loss',5,160,9.79721617698669389184e-01,1);
INSERT INTO "metric" VALUES(5,'grad_norm',5,160,1.2055164277553558072e-01,1);
INSERT INTO "metric" VALUES(5,'clip_fraction',5,160,0.0,1);
INSERT INTO "metric" VALUES(5,'lr',5,160,0.0002,1);
INSERT INTO "metric" VALUES(5,'validation_loss',5,160,9.89831113815307639391e-01,1);
INSERT INTO "metric" VALUES(5,'images_per_second',5,160,2.6085339443344736309e+01,1);
INSERT INTO "metric" VALUES(5,'device_workers',5,160,1.0,1);
INSERT INTO "metric" VALUES(5,'train_loss',10,320,1.0065672636032103604e+00,1);
INSERT INTO "metric" VALUES(5,'grad_norm',10,320,1.24076357483863836117e-01,1);
INSERT INTO "metric" VALUES(5,'clip_fraction',10,320,0.0,1);
INSERT INTO "metric" VALUES(5,'lr',10,320,0.0002,1);
INSERT INTO "metric" VALUES(5,'validation_loss',10,320,9.89230011701583866745e-01,1);
INSERT INTO "metric" VALUES(5,'images_per_second',10,320,6.67369935543222709368e+02,1);
INSERT INTO "metric" VALUES(5,'device_workers',10,320,1.0,1);
INSERT INTO "metric" VALUES(9,'train_loss',5,160,9.98360204696655317846e-01,1);
INSERT INTO "metric" VALUES(9,'grad_norm',5,160,1.22690957784652707185e-01,1);
INSERT INTO "metric" VALUES(9,'clip_fraction',5,160,0.0,1);
INSERT INTO "metric" VALUES(9,'lr',5,160,0.0002,1);
INSERT INTO "metric" VALUES(9,'validation_loss',5,160,9.92725761532783468332e-01,1);
INSERT INTO "metric" VALUES(9,'images_per_second',5,160,5.9035015801250224853e+01,1);
INSERT INTO "metric" VALUES(9,'device_workers',5,160,1.0,1);
INSERT INTO "metric" VALUES(9,'train_loss',10,320,1.00839149951934814453e+00,1);
INSERT INTO "metric" VALUES(9,'grad_norm',10,320,1.23758608102798456362e-01,1);
INSERT INTO "metric" VALUES(9,'clip_fraction',10,320,0.0,1);
INSERT INTO "metric" VALUES(9,'lr',10,320,0.0002,1);
INSERT INTO "metric" VALUES(9,'validation_loss',10,320,9.92023182809352865874e-01,1);
INSERT INTO "metric" VALUES(9,'images_per_second',10,320,1.64141143837001180828e+02,1);
INSERT INTO "metric" VALUES(9,'device_workers',10,320,1.0,1);
INSERT INTO "metric" VALUES(10,'train_loss',5,160,9.90626168251037553247e-01,1);
INSERT INTO "metric" VALUES(10,'grad_norm',5,160,1.23960672318935399838e-01,1);
INSERT INTO "metric" VALUES(10,'clip_fraction',5,160,0.0,1);
INSERT INTO "metric" VALUES(10,'lr',5,160,6.23195570610943477135e-03,1);
INSERT INTO "metric" VALUES(10,'validation_loss',5,160,9.73756832182407383591e-01,1);
INSERT INTO "metric" VALUES(10,'images_per_second',5,160,3.87979004971720826244e+02,1);
INSERT INTO "metric" VALUES(10,'device_workers',5,160,1.0,1);
INSERT INTO "metric" VALUES(10,'train_loss',10,320,9.79066991806030295641e-01,1);
INSERT INTO "metric" VALUES(10,'grad_norm',10,320,1.29064095020294200555e-01,1);
INSERT INTO "metric" VALUES(10,'clip_fraction',10,320,0.0,1);
INSERT INTO "metric" VALUES(10,'lr',10,320,6.23195570610943477135e-03,1);
INSERT INTO "metric" VALUES(10,'validation_loss',10,320,0.95181022554636,1);
INSERT INTO "metric" VALUES(10,'images_per_second',10,320,5.70203257778771828174e+01,1);
INSERT INTO "metric" VALUES(10,'device_workers',10,320,1.0,1);
INSERT INTO "metric" VALUES(11,'train_loss',5,160,9.98181724548339865954e-01,1);
INSERT INTO "metric" VALUES(11,'grad_norm',5,160,1.22707228362560274992e-01,1);
INSERT INTO "metric" VALUES(11,'clip_fraction',5,160,0.0,1);
INSERT INTO "metric" VALUES(11,'lr',5,160,3.32885887364386338482e-04,1);
INSERT INTO "metric" VALUES(11,'validation_loss',5,160,9.92290692031383536608e-01,1);
INSERT INTO "metric" VALUES(11,'images_per_second',5,160,2.21390477876016603889e+02,1);
INSERT INTO "metric" VALUES(11,'device_workers',5,160,1.0,1);
INSERT INTO "metric" VALUES(11,'train_loss',10,320,1.00771857500076289504e+00,1);
INSERT INTO "metric" VALUES(11,'grad_norm',10,320,1.23840413987636566162e-01,1);
INSERT INTO "metric" VALUES(11,'clip_fraction',10,320,0.0,1);
INSERT INTO "metric" VALUES(11,'lr',10,320,3.32885887364386338482e-04,1);
INSERT INTO "metric" VALUES(11,'validation_loss',10,320,9.91118414402008096608e-01,1);
INSERT INTO "metric" VALUES(11,'images_per_second',10,320,7.86143447388134745772e+02,1);
INSERT INTO "metric" VALUES(11,'device_workers',10,320,1.0,1);
CREATE TABLE reading (
	cell_id INTEGER NOT NULL, 
	score_id INTEGER NOT NULL, 
	level JSON NOT NULL, 
	is_primary BOOLEAN NOT NULL, 
	CONSTRAINT pk_reading PRIMARY KEY (cell_id, score_id), 
	CONSTRAINT fk_reading_cell_id FOREIGN KEY(cell_id) REFERENCES cell (id) ON DELETE CASCADE, 
	CONSTRAINT fk_reading_score_id FOREIGN KEY(score_id) REFERENCES score (id)
);
INSERT INTO "reading" VALUES(1,9,'{}',1);
INSERT INTO "reading" VALUES(1,10,'{"ema_decay": 0.0}',0);
INSERT INTO "reading" VALUES(2,13,'{}',1);
INSERT INTO "reading" VALUES(2,14,'{"ema_decay": 0.0}',0);
INSERT INTO "reading" VALUES(3,5,'{}',1);
INSERT INTO "reading" VALUES(3,6,'{"ema_decay": 0.0}',0);
INSERT INTO "reading" VALUES(4,3,'{}',1);
INSERT INTO "reading" VALUES(4,4,'{"ema_decay": 0.0}',0);
INSERT INTO "reading" VALUES(5,1,'{}',1);
INSERT INTO "reading" VALUES(5,2,'{"ema_decay": 0.0}',0);
INSERT INTO "reading" VALUES(6,15,'{}',1);
INSERT INTO "reading" VALUES(6,16,'{"ema_decay": 0.0}',0);
INSERT INTO "reading" VALUES(7,11,'{}',1);
INSERT INTO "reading" VALUES(7,12,'{"ema_decay": 0.0}',0);
INSERT INTO "reading" VALUES(8,7,'{}',1);
INSERT INTO "reading" VALUES(8,8,'{"ema_decay": 0.0}',0);
INSERT INTO "reading" VALUES(9,17,'{}',1);
INSERT INTO "reading" VALUES(10,18,'{}',1);
INSERT INTO "reading" VALUES(11,19,'{}',1);
CREATE TABLE revision (
	id INTEGER NOT NULL, 
	study_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	spec JSON NOT NULL, 
	spec_sha256 VARCHAR(64) NOT NULL, 
	arms_sha256 VARCHAR(64) NOT NULL, 
	protocol JSON NOT NULL, 
	protocol_key VARCHAR(64) NOT NULL, 
	versions JSON NOT NULL, 
	reason VARCHAR NOT NULL, 
	accepted_at DATETIME NOT NULL, 
	CONSTRAINT pk_revision PRIMARY KEY (id), 
	CONSTRAINT fk_revision_study_id FOREIGN KEY(study_id) REFERENCES study (id) ON DELETE CASCADE, 
	CONSTRAINT uq_revision_study_id_number UNIQUE (study_id, number)
);
INSERT INTO "revision" VALUES(1,1,1,'{"name": "old", "question": "Does a store of 0.1.0 go on?", "cites": "", "baseline": {"ema_decay": 0.5, "ema_start": "corrected", "ema_std": null, "sampler": "ddim", "sampling_steps": 4, "spacing": "trailing", "eta": 0.0, "variance": "fixed_small", "x0_clip": "static", "bits_per_dim": null, "fid_test": false, "neighbours": 0, "partial_noising": [], "data": {"name": "digits", "path": null, "size": null, "sha256": null}, "net": {"kind": "mlp", "width": 16, "depth": 3, "dropout": 0.0}, "T": 50, "schedule": "linear_scaled", "beta_1": 0.0001, "beta_T": 0.02, "schedule_formula": null, "schedule_betas": null, "zero_terminal_snr": false, "target": "epsilon", "loss": "mse", "loss_delta": 1.0, "weighting": "simple", "weight_clip": null, "gamma": 5.0, "p2_gamma": 1.0, "p2_k": 1.0, "objective": "simple", "vlb_weight": 0.001, "learned_variance": false, "t_sampling": "uniform", "contrastive_weight": 0.0, "contrastive_temperature": 0.1, "dispersive_weight": 0.0, "dispersive_tau": 0.5, "perceptual_weight": 0.0, "optimizer": "adam", "lr": 0.0002, "betas": [0.9, 0.999], "eps": 1e-08, "weight_decay": 0.0, "lr_schedule": "constant", "warmup_images": 0, "grad_clip": 1.0, "batch": 32, "images": 320, "flip": false, "precision": "fp32", "power_ema": [], "power_ema_snapshots": 16}, "factors": {"schedule": {"role": "scientific", "levels": ["cosine"], "range": null, "log": false}, "ema_decay": {"role": "evaluation", "levels": [0.0, 0.5], "range": null, "log": false}}, "design": {"kind": "one_at_a_time"}, "tune": null, "seeds": 4, "first_seed": 0, "looks": {"at": [3, 4], "shape": "obrien_fleming"}, "protocol": {"extractor": "classifier", "reference": "train", "n": 64, "noise_sets": 2, "ladder": []}, "metric": "fid", "smallest_effect": null, "pilot_sd": null, "cadence": {"curve_points": 2, "checkpoint_seconds": 60.0}, "budget": null}','e17fc86bebaf720f409ff95b8d81b61e06e09e87b128230262bc489f5ffbbdb1','27b0a91eebc4542102c9751c567cf1613ef512fa41c9e99e538b3fd86a3bff4d','{"extractor": "digits-cnn-65e82ef6", "extractor_sha256": "65e82ef6ecbd427693f0643c42b5a8acaf8c2cbb705c6c0049cdc97fd5681fc8", "reference": "train", "reference_sha256": "b249a3a8cf133917c1e1d77c57ec68cdad44ed7956a7caa7c01859c3036673c0", "n": 64, "noise_sets": [0, 1]}','88409383a249395ed80117223a268c432efb371d42e682a2eb70fecb01607669','{"python": "3.11.7", "ddpm-sweep": "0.1.0", "torch": "2.15.0", "torchvision": "0.29.2", "torch-fidelity": "0.4.0", "optuna": "5.0.0", "numpy": "2.4.6", "scipy": "1.17.1", "sqlalchemy": "2.1.9"}','','2026-11-30 00:29:54.684000');
INSERT INTO "revision" VALUES(2,2,1,'{"name": "old-search", "question": "Does a search of 0.1.0 go on?", "cites": "", "baseline": {"ema_decay": 0.0, "ema_start": "corrected", "ema_std": null, "sampler": "ddim", "sampling_steps": 4, "spacing": "trailing", "eta": 0.0, "variance": "fixed_small", "x0_clip": "static", "bits_per_dim": null, "fid_test": false, "neighbours": 0, "partial_noising": [], "data": {"name": "digits", "path": null, "size": null, "sha256": null}, "net": {"kind": "mlp", "width": 16, "depth": 3, "dropout": 0.0}, "T": 50, "schedule": "linear_scaled", "beta_1": 0.0001, "beta_T": 0.02, "schedule_formula": null, "schedule_betas": null, "zero_terminal_snr": false, "target": "epsilon", "loss": "mse", "loss_delta": 1.0, "weighting": "simple", "weight_clip": null, "gamma": 5.0, "p2_gamma": 1.0, "p2_k": 1.0, "objective": "simple", "vlb_weight": 0.001, "learned_variance": false, "t_sampling": "uniform", "contrastive_weight": 0.0, "contrastive_temperature": 0.1, "dispersive_weight": 0.0, "dispersive_tau": 0.5, "perceptual_weight": 0.0, "optimizer": "adam", "lr": 0.0002, "betas": [0.9, 0.999], "eps": 1e-08, "weight_decay": 0.0, "lr_schedule": "constant", "warmup_images": 0, "grad_clip": 1.0, "batch": 32, "images": 320, "flip": false, "precision": "fp32", "power_ema": [], "power_ema_snapshots": 16}, "factors": {"lr": {"role": "nuisance", "levels": null, "range": [0.0001, 0.01], "log": true}}, "design": {"kind": "search", "trials": 6, "search_sampler": "random", "confirm": 1, "pruner": null}, "tune": null, "seeds": 2, "first_seed": 0, "looks": null, "protocol": {"extractor": "classifier", "reference": "train", "n": 64, "noise_sets": 2, "ladder": []}, "metric": "fid", "smallest_effect": null, "pilot_sd": null, "cadence": {"curve_points": 2, "checkpoint_seconds": 60.0}, "budget": null}','3037c18d9b4c260b3511d6d552a8377fa64bdc55fff6ff162354ef4698dcbc7b','4267b5244cdf1a3066e7f25c6bb466a5c8259b567748cdedcc54235426a32c5c','{"extractor": "digits-cnn-65e82ef6", "extractor_sha256": "65e82ef6ecbd427693f0643c42b5a8acaf8c2cbb705c6c0049cdc97fd5681fc8", "reference": "train", "reference_sha256": "b249a3a8cf133917c1e1d77c57ec68cdad44ed7956a7caa7c01859c3036673c0", "n": 64, "noise_sets": [0, 1]}','88409383a249395ed80117223a268c432efb371d42e682a2eb70fecb01607669','{"python": "3.11.7", "ddpm-sweep": "0.1.0", "torch": "2.15.0", "torchvision": "0.29.2", "torch-fidelity": "0.4.0", "optuna": "5.0.0", "numpy": "2.4.6", "scipy": "1.17.1", "sqlalchemy": "2.1.9"}','','2026-11-30 00:33:31.668000');
CREATE TABLE run (
	id INTEGER NOT NULL, 
	train_key VARCHAR(64) NOT NULL, 
	config JSON NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	seed BIGINT NOT NULL, 
	step INTEGER NOT NULL, 
	steps INTEGER NOT NULL, 
	images BIGINT NOT NULL, 
	parameters INTEGER, 
	micro_batches INTEGER NOT NULL, 
	"alphas_bar_T" DOUBLE NOT NULL, 
	snr_1 DOUBLE NOT NULL, 
	"snr_T" DOUBLE NOT NULL, 
	prior_bits_per_dim DOUBLE NOT NULL, 
	created_at DATETIME NOT NULL, 
	finished_at DATETIME, 
	token INTEGER NOT NULL, 
	owner VARCHAR(36), 
	lease_until DOUBLE, 
	not_before DOUBLE NOT NULL, 
	crashes INTEGER NOT NULL, 
	failure VARCHAR(16), 
	failure_reason VARCHAR, 
	seconds DOUBLE NOT NULL, until_step INTEGER, reached_step INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_run PRIMARY KEY (id), 
	CONSTRAINT ck_run_owned CHECK ((state = 'training') = (owner IS NOT NULL)), 
	CONSTRAINT ck_run_state CHECK (state IN ('planned', 'training', 'trained', 'pruned', 'infeasible', 'failed', 'cancelled')), 
	CONSTRAINT uq_run_train_key UNIQUE (train_key)
);
INSERT INTO "run" VALUES(1,'06453df3f8d7ae158c6680c3f38fa7be5c726e188717e604b99bd19108d2b836','{"data": {"name": "digits", "path": null, "size": null, "sha256": null}, "net": {"kind": "mlp", "width": 16, "depth": 3, "dropout": 0.0}, "T": 50, "schedule": "cosine", "beta_1": 0.0001, "beta_T": 0.02, "schedule_formula": null, "schedule_betas": null, "zero_terminal_snr": false, "target": "epsilon", "loss": "mse", "loss_delta": 1.0, "weighting": "simple", "weight_clip": null, "gamma": 5.0, "p2_gamma": 1.0, "p2_k": 1.0, "objective": "simple", "vlb_weight": 0.001, "learned_variance": false, "t_sampling": "uniform", "contrastive_weight": 0.0, "contrastive_temperature": 0.1, "dispersive_weight": 0.0, "dispersive_tau": 0.5, "perceptual_weight": 0.0, "optimizer": "adam", "lr": 0.0002, "betas": [0.9, 0.999], "eps": 1e-08, "weight_decay": 0.0, "lr_schedule": "constant", "warmup_images": 0, "grad_clip": 1.0, "batch": 32, "images": 320, "flip": false, "precision": "fp32", "power_ema": [], "power_ema_snapshots": 16, "ema_decays": [0.5], "ema_starts": [], "seed": 0}','planned',0,0,10,0,NULL,1,9.71193029871257e-07,5.71241633967819211663e+02,9.71193973088074236771e-07,1.75142261186094741311e-07,'2026-11-30 00:29:54.727000',NULL,0,NULL,NULL,0.0,0,NULL,NULL,0.0,NULL,0);
INSERT INTO "run" VALUES(2,'1eb78e3a4b46005063afc86173b898219fc65190a28002fae1d46b874dcad42d','{"data": {"name": "digits", "path": null, "size": null, "sha256": null}, "net": {"kind": "mlp", "width": 16, "depth": 3, "dropout": 0.0}, "T": 50, "schedule": "linear_scaled", "beta_1": 0.0001, "beta_T": 0.02, "schedule_formula": null, "schedule_betas": null, "zero_terminal_snr": false, "target": "epsilon", "loss": "mse", "loss_delta": 1.0, "weighting": "simple", "weight_clip": null, "gamma": 5.0, "p2_gamma": 1.0, "p2_k": 1.0, "objective": "simple", "vlb_weight": 0.001, "learned_variance": false, "t_sampling": "uniform", "contrastive_weight": 0.0, "contrastive_temperature": 0.1, "dispersive_weight": 0.0, "dispersive_tau": 0.5, "perceptual_weight": 0.0, "optimizer": "adam", "lr": 0.0002, "betas": [0.9, 0.999], "eps": 1e-08, "weight_decay": 0.0, "lr_schedule": "constant", "warmup_images": 0, "grad_clip": 1.0, "batch": 32, "images": 320, "flip": false, "precision": "fp32", "power_ema": [], "power_ema_snapshots": 16, "ema_decays": [0.5], "ema_starts": [], "seed": 3}','planned',3,0,10,0,NULL,1,7.74476569922673137823e-06,4.98999999999999545264e+02,7.74482568108701340198e-06,1.39668851721741140293e-06,'2026-11-30 00:29:54.727000',NULL,0,NULL,NULL,0.0,0,NULL,NULL,0.0,NULL,0);
INSERT INTO "run" VALUES(3,'308fd9d1db048c9eba83c400cde90a5ea908dbc96831221f40db040bcd1b91ec','{"data": {"name": "digits", "path": null, "size": null, "sha256": null}, "net": {"kind": "mlp", "width": 16, "depth": 3, "dropout": 0.0}, "T": 50, "schedule": "linear_scaled", "beta_1": 0.0001, "beta_T": 0.02, "schedule_formula": null, "schedule_betas": null, "zero_terminal_snr": false, "target": "epsilon", "loss": "mse", "loss_delta": 1.0, "weighting": "simple", "weight_clip": null, "gamma": 5.0, "p2_gamma": 1.0, "p2_k": 1.0, "objective": "simple", "vlb_weight": 0.001, "learned_variance": false, "t_sampling": "uniform", "contrastive_weight": 0.0, "contrastive_temperature": 0.1, "dispersive_weight": 0.0, "dispersive_tau": 0.5, "perceptual_weight": 0.0, "optimizer": "adam", "lr": 0.0002, "betas": [0.9, 0.999], "eps": 1e-08, "weight_decay": 0.0, "lr_schedule": "constant", "warmup_images": 0, "grad_clip": 1.0, "batch": 32, "images": 320, "flip": false, "precision": "fp32", "power_ema": [], "power_ema_snapshots": 16, "ema_decays": [0.5], "ema_starts": [], "seed": 2}','planned',2,0,10,0,NULL,1,7.74476569922673137823e-06,4.98999999999999545264e+02,7.74482568108701340198e-06,1.39668851721741140293e-06,'2026-11-30 00:29:54.727000',NULL,0,NULL,NULL,0.0,0,NULL,NULL,0.0,NULL,0);
INSERT INTO "run" VALUES(4,'317db41413d907ebcd3da46fdacde2393b3a6f0de424d34535cc107439d164e1','{"data": {"name": "digits", "path": null, "size": null, "sha256": null}, "net": {"kind": "mlp", "width": 16, "depth": 3, "dropout": 0.0}, "T": 50, "schedule": "cosine", "beta_1": 0.0001, "beta_T": 0.02, "schedule_formula": null, "schedule_betas": null, "zero_terminal_snr": false, "target": "epsilon", "loss": "mse", "loss_delta": 1.0, "weighting": "simple", "weight_clip": null, "gamma": 5.0, "p2_gamma": 1.0, "p2_k": 1.0, "objective": "simple", "vlb_weight": 0.001, "learned_variance": false, "t_sampling": "uniform", "contrastive_weight": 0.0, "contrastive_temperature": 0.1, "dispersive_weight": 0.0, "dispersive_tau": 0.5, "perceptual_weight": 0.0, "optimizer": "adam", "lr": 0.0002, "betas": [0.9, 0.999], "eps": 1e-08, "weight_decay": 0.0, "lr_schedule": "constant", "warmup_images": 0, "grad_clip": 1.0, "batch": 32, "images": 320, "flip": false, "precision": "fp32", "power_ema": [], "power_ema_snapshots": 16, "ema_decays": [0.5], "ema_starts": [], "seed": 3}','planned',3,0,10,0,NULL,1,9.71193029871257e-07,5.71241633967819211663e+02,9.71193973088074236771e-07,1.75142261186094741311e-07,'2026-11-30 00:29:54.727000',NULL,0,NULL,NULL,0.0,0,NULL,NULL,0.0,NULL,0);
INSERT INTO "run" VALUES(5,'39a46f1325181d1affa1a92f65c44aac6ae108725df0f756a0d0d265e7a0eeb7','{"data": {"name": "digits", "path": null, "size": null, "sha256": null}, "net": {"kind": "mlp", "width": 16, "depth": 3, "dropout": 0.0}, "T": 50, "schedule": "linear_scaled", "beta_1": 0.0001, "beta_T": 0.02, "schedule_formula": null, "schedule_betas": null, "zero_terminal_snr": false, "target": "epsilon", "loss": "mse", "loss_delta": 1.0, "weighting": "simple", "weight_clip": null, "gamma": 5.0, "p2_gamma": 1.0, "p2_k": 1.0, "objective": "simple", "vlb_weight": 0.001, "learned_variance": false, "t_sampling": "uniform", "contrastive_weight": 0.0, "contrastive_temperature": 0.1, "dispersive_weight": 0.0, "dispersive_tau": 0.5, "perceptual_weight": 0.0, "optimizer": "adam", "lr": 0.0002, "betas": [0.9, 0.999], "eps": 1e-08, "weight_decay": 0.0, "lr_schedule": "constant", "warmup_images": 0, "grad_clip": 1.0, "batch": 32, "images": 320, "flip": false, "precision": "fp32", "power_ema": [], "power_ema_snapshots": 16, "ema_decays": [0.5], "ema_starts": [], "seed": 0}','trained',0,10,10,320,6016,1,7.74476569922673137823e-06,4.98999999999999545264e+02,7.74482568108701340198e-06,1.39668851721741140293e-06,'2026-11-30 00:29:54.727000','2026-11-30 00:30:22.154000',1,NULL,NULL,0.0,0,NULL,NULL,1.66868627030003153772e+01,NULL,0);
INSERT INTO "run" VALUES(6,'6ca3bb0dca5115b1067498317cdb50b1e8c4c264df10e1e8be7a02746ed7ac9f','{"data": {"name": "digits", "path": null, "size": null, "sha256": null}, "net": {"kind": "mlp", "width": 16, "depth": 3, "dropout": 0.0}, "T": 50, "schedule": "cosine", "beta_1": 0.0001, "beta_T": 0.02, "schedule_formula": null, "schedule_betas": null, "zero_terminal_snr": false, "target": "epsilon", "loss": "mse", "loss_delta": 1.0, "weighting": "simple", "weight_clip": null, "gamma": 5.0, "p2_gamma": 1.0, "p2_k": 1.0, "objective": "simple", "vlb_weight": 0.001, "learned_variance": false, "t_sampling": "uniform", "contrastive_weight": 0.0, "contrastive_temperature": 0.1, "dispersive_weight": 0.0, "dispersive_tau": 0.5, "perceptual_weight": 0.0, "optimizer": "adam", "lr": 0.0002, "betas": [0.9, 0.999], "eps": 1e-08, "weight_decay": 0.0, "lr_schedule": "constant", "warmup_images": 0, "grad_clip": 1.0, "batch": 32, "images": 320, "flip": false, "precision": "fp32", "power_ema": [], "power_ema_snapshots": 16, "ema_decays": [0.5], "ema_starts": [], "seed": 2}','planned',2,0,10,0,NULL,1,9.71193029871257e-07,5.71241633967819211663e+02,9.71193973088074236771e-07,1.75142261186094741311e-07,'2026-11-30 00:29:54.727000',NULL,0,NULL,NULL,0.0,0,NULL,NULL,0.0,NULL,0);
INSERT INTO "run" VALUES(7,'6fc2f81103f604d5a95e52bf4beb999afce694f4461eedf81747a011e6619106','{"data": {"name": "digits", "path": null, "size": null, "sha256": null}, "net": {"kind": "mlp", "width": 16, "depth": 3, "dropout": 0.0}, "T": 50, "schedule": "linear_scaled", "beta_1": 0.0001, "beta_T": 0.02, "schedule_formula": null, "schedule_betas": null, "zero_terminal_snr": false, "target": "epsilon", "loss": "mse", "loss_delta": 1.0, "weighting": "simple", "weight_clip": null, "gamma": 5.0, "p2_gamma": 1.0, "p2_k": 1.0, "objective": "simple", "vlb_weight": 0.001, "learned_variance": false, "t_sampling": "uniform", "contrastive_weight": 0.0, "contrastive_temperature": 0.1, "dispersive_weight": 0.0, "dispersive_tau": 0.5, "perceptual_weight": 0.0, "optimizer": "adam", "lr": 0.0002, "betas": [0.9, 0.999], "eps": 1e-08, "weight_decay": 0.0, "lr_schedule": "constant", "warmup_images": 0, "grad_clip": 1.0, "batch": 32, "images": 320, "flip": false, "precision": "fp32", "power_ema": [], "power_ema_snapshots": 16, "ema_decays": [0.5], "ema_starts": [], "seed": 1}','planned',1,0,10,0,NULL,1,7.74476569922673137823e-06,4.98999999999999545264e+02,7.74482568108701340198e-06,1.39668851721741140293e-06,'2026-11-30 00:29:54.727000',NULL,0,NULL,NULL,0.0,0,NULL,NULL,0.0,NULL,0);
INSERT INTO "run" VALUES(8,'f27960565beabbb8aa8140b0302b6de60fd769acaba2242052235a0337ff3ba8','{"data": {"name": "digits", "path": null, "size": null, "sha256": null}, "net": {"kind": "mlp", "width": 16, "depth": 3, "dropout": 0.0}, "T": 50, "schedule": "cosine", "beta_1": 0.0001, "beta_T": 0.02, "schedule_formula": null, "schedule_betas": null, "zero_terminal_snr": false, "target": "epsilon", "loss": "mse", "loss_delta": 1.0, "weighting": "simple", "weight_clip": null, "gamma": 5.0, "p2_gamma": 1.0, "p2_k": 1.0, "objective": "simple", "vlb_weight": 0.001, "learned_variance": false, "t_sampling": "uniform", "contrastive_weight": 0.0, "contrastive_temperature": 0.1, "dispersive_weight": 0.0, "dispersive_tau": 0.5, "perceptual_weight": 0.0, "optimizer": "adam", "lr": 0.0002, "betas": [0.9, 0.999], "eps": 1e-08, "weight_decay": 0.0, "lr_schedule": "constant", "warmup_images": 0, "grad_clip": 1.0, "batch": 32, "images": 320, "flip": false, "precision": "fp32", "power_ema": [], "power_ema_snapshots": 16, "ema_decays": [0.5], "ema_starts": [], "seed": 1}','planned',1,0,10,0,NULL,1,9.71193029871257e-07,5.71241633967819211663e+02,9.71193973088074236771e-07,1.75142261186094741311e-07,'2026-11-30 00:29:54.727000',NULL,0,NULL,NULL,0.0,0,NULL,NULL,0.0,NULL,0);
INSERT INTO "run" VALUES(9,'d9d3cc226d8930f11f8cf2799a0ee9ea190843cbe17c5741f5ad0a410d19f2d1','{"data": {"name": "digits", "path": null, "size": null, "sha256": null}, "net": {"kind": "mlp", "width": 16, "depth": 3, "dropout": 0.0}, "T": 50, "schedule": "linear_scaled", "beta_1": 0.0001, "beta_T": 0.02, "schedule_formula": null, "schedule_betas": null, "zero_terminal_snr": false, "target": "epsilon", "loss": "mse", "loss_delta": 1.0, "weighting": "simple", "weight_clip": null, "gamma": 5.0, "p2_gamma": 1.0, "p2_k": 1.0, "objective": "simple", "vlb_weight": 0.001, "learned_variance": false, "t_sampling": "uniform", "contrastive_weight": 0.0, "contrastive_temperature": 0.1, "dispersive_weight": 0.0, "dispersive_tau": 0.5, "perceptual_weight": 0.0, "optimizer": "adam", "lr": 0.0002, "betas": [0.9, 0.999], "eps": 1e-08, "weight_decay": 0.0, "lr_schedule": "constant", "warmup_images": 0, "grad_clip": 1.0, "batch": 32, "images": 320, "flip": false, "precision": "fp32", "power_ema": [], "power_ema_snapshots": 16, "ema_decays": [], "ema_starts": [], "seed": 1000000}','trained',1000000,10,10,320,6016,1,7.74476569922673137823e-06,4.98999999999999545264e+02,7.74482568108701340198e-06,1.39668851721741140293e-06,'2026-11-30 00:33:48.895000','2026-11-30 00:34:03.486000',1,NULL,NULL,0.0,0,NULL,NULL,1.45036900469999636693e+01,NULL,0);
INSERT INTO "run" VALUES(10,'a7bb3f73fe965479699cc71d3785fa04b01f933cf94aad3d063a3fd3ff6127c7','{"data": {"name": "digits", "path": null, "size": null, "sha256": null}, "net": {"kind": "mlp", "width": 16, "depth": 3, "dropout": 0.0}, "T": 50, "schedule": "linear_scaled", "beta_1": 0.0001, "beta_T": 0.02, "schedule_formula": null, "schedule_betas": null, "zero_terminal_snr": false, "target": "epsilon", "loss": "mse", "loss_delta": 1.0, "weighting": "simple", "weight_clip": null, "gamma": 5.0, "p2_gamma": 1.0, "p2_k": 1.0, "objective": "simple", "vlb_weight": 0.001, "learned_variance": false, "t_sampling": "uniform", "contrastive_weight": 0.0, "contrastive_temperature": 0.1, "dispersive_weight": 0.0, "dispersive_tau": 0.5, "perceptual_weight": 0.0, "optimizer": "adam", "lr": 0.006231955706109435, "betas": [0.9, 0.999], "eps": 1e-08, "weight_decay": 0.0, "lr_schedule": "constant", "warmup_images": 0, "grad_clip": 1.0, "batch": 32, "images": 320, "flip": false, "precision": "fp32", "power_ema": [], "power_ema_snapshots": 16, "ema_decays": [], "ema_starts": [], "seed": 1000000}','trained',1000000,10,10,320,6016,1,7.74476569922673137823e-06,4.98999999999999545264e+02,7.74482568108701340198e-06,1.39668851721741140293e-06,'2026-11-30 00:34:10.546000','2026-11-30 00:34:15.258000',1,NULL,NULL,0.0,0,NULL,NULL,4.67086639099989,NULL,0);
INSERT INTO "run" VALUES(11,'c23ebaa10524222bd2e069c4ff7ede9a28aad298393be728d8638474d3ca8700','{"data": {"name": "digits", "path": null, "size": null, "sha256": null}, "net": {"kind": "mlp", "width": 16, "depth": 3, "dropout": 0.0}, "T": 50, "schedule": "linear_scaled", "beta_1": 0.0001, "beta_T": 0.02, "schedule_formula": null, "schedule_betas": null, "zero_terminal_snr": false, "target": "epsilon", "loss": "mse", "loss_delta": 1.0, "weighting": "simple", "weight_clip": null, "gamma": 5.0, "p2_gamma": 1.0, "p2_k": 1.0, "objective": "simple", "vlb_weight": 0.001, "learned_variance": false, "t_sampling": "uniform", "contrastive_weight": 0.0, "contrastive_temperature": 0.1, "dispersive_weight": 0.0, "dispersive_tau": 0.5, "perceptual_weight": 0.0, "optimizer": "adam", "lr": 0.00033288588736438634, "betas": [0.9, 0.999], "eps": 1e-08, "weight_decay": 0.0, "lr_schedule": "constant", "warmup_images": 0, "grad_clip": 1.0, "batch": 32, "images": 320, "flip": false, "precision": "fp32", "power_ema": [], "power_ema_snapshots": 16, "ema_decays": [], "ema_starts": [], "seed": 1000000}','trained',1000000,10,10,320,6016,1,7.74476569922673137823e-06,4.98999999999999545264e+02,7.74482568108701340198e-06,1.39668851721741140293e-06,'2026-11-30 00:34:17.695000','2026-11-30 00:34:18.838000',1,NULL,NULL,0.0,0,NULL,NULL,1.11517904200036355177e+00,NULL,0);
CREATE TABLE score (
	id INTEGER NOT NULL, 
	run_id INTEGER NOT NULL, 
	eval_key VARCHAR(64) NOT NULL, 
	config JSON NOT NULL, 
	protocol JSON NOT NULL, 
	protocol_key VARCHAR(64) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	samples_sha256 VARCHAR(64), 
	sampling_seconds DOUBLE, 
	features_seconds DOUBLE, 
	statistics_seconds DOUBLE, 
	finished_at DATETIME, 
	token INTEGER NOT NULL, 
	owner VARCHAR(36), 
	lease_until DOUBLE, 
	not_before DOUBLE NOT NULL, 
	crashes INTEGER NOT NULL, 
	failure VARCHAR(16), 
	failure_reason VARCHAR, 
	seconds DOUBLE NOT NULL, step INTEGER, 
	CONSTRAINT pk_score PRIMARY KEY (id), 
	CONSTRAINT ck_score_owned CHECK ((state = 'scoring') = (owner IS NOT NULL)), 
	CONSTRAINT ck_score_state CHECK (state IN ('planned', 'scoring', 'complete', 'failed', 'cancelled')), 
	CONSTRAINT fk_score_run_id FOREIGN KEY(run_id) REFERENCES run (id), 
	CONSTRAINT uq_score_run_id_eval_key UNIQUE (run_id, eval_key)
);
INSERT INTO "score" VALUES(1,1,'5c523fb7d718a295658f39120cba2f7f4f256a70ab6135474745a3db8be09af7','{"ema_decay": 0.5, "ema_start": "corrected", "ema_std": null, "sampler": "ddim", "sampling_steps": 4, "spacing": "trailing", "eta": 0.0, "variance": "fixed_small", "x0_clip": "static", "bits_per_dim": null, "fid_test": false, "neighbours": 0, "partial_noising": []}','{"extractor": "digits-cnn-65e82ef6", "extractor_sha256": "65e82ef6ecbd427693f0643c42b5a8acaf8c2cbb705c6c0049cdc97fd5681fc8", "reference": "train", "reference_sha256": "b249a3a8cf133917c1e1d77c57ec68cdad44ed7956a7caa7c01859c3036673c0", "n": 64, "noise_sets": [0, 1]}','88409383a249395ed80117223a268c432efb371d42e682a2eb70fecb01607669','planned',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,0.0,0,NULL,NULL,0.0,NULL);
INSERT INTO "score" VALUES(2,1,'80c7ad8a40b2362fca7415fcccdaccbf2a3e60ed0f7c24875caef596dac8f4b5','{"ema_decay": 0.0, "ema_start": "corrected", "ema_std": null, "sampler": "ddim", "sampling_steps": 4, "spacing": "trailing", "eta": 0.0, "variance": "fixed_small", "x0_clip": "static", "bits_per_dim": null, "fid_test": false, "neighbours": 0, "partial_noising": []}','{"extractor": "digits-cnn-65e82ef6", "extractor_sha256": "65e82ef6ecbd427693f0643c42b5a8acaf8c2cbb705c6c0049cdc97fd5681fc8", "reference": "train", "reference_sha256": "b249a3a8cf133917c1e1d77c57ec68cdad44ed7956a7caa7c01859c3036673c0", "n": 64, "noise_sets": [0, 1]}','88409383a249395ed80117223a268c432efb371d42e682a2eb70fecb01607669','planned',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,0.0,0,NULL,NULL,0.0,NULL);
INSERT INTO "score" VALUES(3,2,'5c523fb7d718a295658f39120cba2f7f4f256a70ab6135474745a3db8be09af7','{"ema_decay": 0.5, "ema_start": "corrected", "ema_std": null, "sampler": "ddim", "sampling_steps": 4, "spacing": "trailing", "eta": 0.0, "variance": "fixed_small", "x0_clip": "static", "bits_per_dim": null, "fid_test": false, "neighbours": 0, "partial_noising": []}','{"extractor": "digits-cnn-65e82ef6", "extractor_sha256": "65e82ef6ecbd427693f0643c42b5a8acaf8c2cbb705c6c0049cdc97fd5681fc8", "reference": "train", "reference_sha256": "b249a3a8cf133917c1e1d77c57ec68cdad44ed7956a7caa7c01859c3036673c0", "n": 64, "noise_sets": [0, 1]}','88409383a249395ed80117223a268c432efb371d42e682a2eb70fecb01607669','planned',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,0.0,0,NULL,NULL,0.0,NULL);
INSERT INTO "score" VALUES(4,2,'80c7ad8a40b2362fca7415fcccdaccbf2a3e60ed0f7c24875caef596dac8f4b5','{"ema_decay": 0.0, "ema_start": "corrected", "ema_std": null, "sampler": "ddim", "sampling_steps": 4, "spacing": "trailing", "eta": 0.0, "variance": "fixed_small", "x0_clip": "static", "bits_per_dim": null, "fid_test": false, "neighbours": 0, "partial_noising": []}','{"extractor": "digits-cnn-65e82ef6", "extractor_sha256": "65e82ef6ecbd427693f0643c42b5a8acaf8c2cbb705c6c0049cdc97fd5681fc8", "reference": "train", "reference_sha256": "b249a3a8cf133917c1e1d77c57ec68cdad44ed7956a7caa7c01859c3036673c0", "n": 64, "noise_sets": [0, 1]}','88409383a249395ed80117223a268c432efb371d42e682a2eb70fecb01607669','planned',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,0.0,0,NULL,NULL,0.0,NULL);
INSERT INTO "score" VALUES(5,3,'5c523fb7d718a295658f39120cba2f7f4f256a70ab6135474745a3db8be09af7','{"ema_decay": 0.5, "ema_start": "corrected", "ema_std": null, "sampler": "ddim", "sampling_steps": 4, "spacing": "trailing", "eta": 0.0, "variance": "fixed_small", "x0_clip": "static", "bits_per_dim": null, "fid_test": false, "neighbours": 0, "partial_noising": []}','{"extractor": "digits-cnn-65e82ef6", "extractor_sha256": "65e82ef6ecbd427693f0643c42b5a8acaf8c2cbb705c6c0049cdc97fd5681fc8", "reference": "train", "reference_sha256": "b249a3a8cf133917c1e1d77c57ec68cdad44ed7956a7caa7c01859c3036673c0", "n": 64, "noise_sets": [0, 1]}','88409383a249395ed80117223a268c432efb371d42e682a2eb70fecb01607669','planned',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,0.0,0,NULL,NULL,0.0,NULL);
INSERT INTO "score" VALUES(6,3,'80c7ad8a40b2362fca7415fcccdaccbf2a3e60ed0f7c24875caef596dac8f4b5','{"ema_decay": 0.0, "ema_start": "corrected", "ema_std": null, "sampler": "ddim", "sampling_steps": 4, "spacing": "trailing", "eta": 0.0, "variance": "fixed_small", "x0_clip": "static", "bits_per_dim": null, "fid_test": false, "neighbours": 0, "partial_noising": []}','{"extractor": "digits-cnn-65e82ef6", "extractor_sha256": "65e82ef6ecbd427693f0643c42b5a8acaf8c2cbb705c6c0049cdc97fd5681fc8", "reference": "train", "reference_sha256": "b249a3a8cf133917c1e1d77c57ec68cdad44ed7956a7caa7c01859c3036673c0", "n": 64, "noise_sets": [0, 1]}','88409383a249395ed80117223a268c432efb371d42e682a2eb70fecb01607669','planned',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,0.0,0,NULL,NULL,0.0,NULL);
INSERT INTO "score" VALUES(7,4,'5c523fb7d718a295658f39120cba2f7f4f256a70ab6135474745a3db8be09af7','{"ema_decay": 0.5, "ema_start": "corrected", "ema_std": null, "sampler": "ddim", "sampling_steps": 4, "spacing": "trailing", "eta": 0.0, "variance": "fixed_small", "x0_clip": "static", "bits_per_dim": null, "fid_test": false, "neighbours": 0, "partial_noising": []}','{"extractor": "digits-cnn-65e82ef6", "extractor_sha256": "65e82ef6ecbd427693f0643c42b5a8acaf8c2cbb705c6c0049cdc97fd5681fc8", "reference": "train", "reference_sha256": "b249a3a8cf133917c1e1d77c57ec68cdad44ed7956a7caa7c01859c3036673c0", "n": 64, "noise_sets": [0, 1]}','88409383a249395ed80117223a268c432efb371d42e682a2eb70fecb01607669','planned',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,0.0,0,NULL,NULL,0.0,NULL);
INSERT INTO "score" VALUES(8,4,'80c7ad8a40b2362fca7415fcccdaccbf2a3e60ed0f7c24875caef596dac8f4b5','{"ema_decay": 0.0, "ema_start": "corrected", "ema_std": null, "sampler": "ddim", "sampling_steps": 4, "spacing": "trailing", "eta": 0.0, "variance": "fixed_small", "x0_clip": "static", "bits_per_dim": null, "fid_test": false, "neighbours": 0, "partial_noising": []}','{"extractor": "digits-cnn-65e82ef6", "extractor_sha256": "65e82ef6ecbd427693f0643c42b5a8acaf8c2cbb705c6c0049cdc97fd5681fc8", "reference": "train", "reference_sha256": "b249a3a8cf133917c1e1d77c57ec68cdad44ed7956a7caa7c01859c3036673c0", "n": 64, "noise_sets": [0, 1]}','88409383a249395ed80117223a268c432efb371d42e682a2eb70fecb01607669','planned',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,0.0,0,NULL,NULL,0.0,NULL);
INSERT INTO "score" VALUES(9,5,'5c523fb7d718a295658f39120cba2f7f4f256a70ab6135474745a3db8be09af7','{"ema_decay": 0.5, "ema_start": "corrected", "ema_std": null, "sampler": "ddim", "sampling_steps": 4, "spacing": "trailing", "eta": 0.0, "variance": "fixed_small", "x0_clip": "static", "bits_per_dim": null, "fid_test": false, "neighbours": 0, "partial_noising": []}','{"extractor": "digits-cnn-65e82ef6", "extractor_sha256": "65e82ef6ecbd427693f0643c42b5a8acaf8c2cbb705c6c0049cdc97fd5681fc8", "reference": "train", "reference_sha256": "b249a3a8cf133917c1e1d77c57ec68cdad44ed7956a7caa7c01859c3036673c0", "n": 64, "noise_sets": [0, 1]}','88409383a249395ed80117223a268c432efb371d42e682a2eb70fecb01607669','complete','224b923034fce8d5538ad67bea2000bb509cc03987fbc20ed7b9f0a327556f28',6.94726380002066434826e-02,1.51195905999884416814e-01,3.1210130889999163628e+00,'2026-11-30 00:30:25.819000',1,NULL,NULL,0.0,0,NULL,NULL,3.3416816330000074231e+00,NULL);
INSERT INTO "score" VALUES(10,5,'80c7ad8a40b2362fca7415fcccdaccbf2a3e60ed0f7c24875caef596dac8f4b5','{"ema_decay": 0.0, "ema_start": "corrected", "ema_std": null, "sampler": "ddim", "sampling_steps": 4, "spacing": "trailing", "eta": 0.0, "variance": "fixed_small", "x0_clip": "static", "bits_per_dim": null, "fid_test": false, "neighbours": 0, "partial_noising": []}','{"extractor": "digits-cnn-65e82ef6", "extractor_sha256": "65e82ef6ecbd427693f0643c42b5a8acaf8c2cbb705c6c0049cdc97fd5681fc8", "reference": "train", "reference_sha256": "b249a3a8cf133917c1e1d77c57ec68cdad44ed7956a7caa7c01859c3036673c0", "n": 64, "noise_sets": [0, 1]}','88409383a249395ed80117223a268c432efb371d42e682a2eb70fecb01607669','planned',NULL,NULL,NULL,NULL,NULL,1,NULL,NULL,1.79599863245499730113e+09,0,NULL,NULL,6.58276219900017167674e+00,NULL);
INSERT INTO "score" VALUES(11,6,'5c523fb7d718a295658f39120cba2f7f4f256a70ab6135474745a3db8be09af7','{"ema_decay": 0.5, "ema_start": "corrected", "ema_std": null, "sampler": "ddim", "sampling_steps": 4, "spacing": "trailing", "eta": 0.0, "variance": "fixed_small", "x0_clip": "static", "bits_per_dim": null, "fid_test": false, "neighbours": 0, "partial_noising": []}','{"extractor": "digits-cnn-65e82ef6", "extractor_sha256": "65e82ef6ecbd427693f0643c42b5a8acaf8c2cbb705c6c0049cdc97fd5681fc8", "reference": "train", "reference_sha256": "b249a3a8cf133917c1e1d77c57ec68cdad44ed7956a7caa7c01859c3036673c0", "n": 64, "noise_sets": [0, 1]}','88409383a249395ed80117223a268c432efb371d42e682a2eb70fecb01607669','planned',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,0.0,0,NULL,NULL,0.0,NULL);
INSERT INTO "score" VALUES(12,6,'80c7ad8a40b2362fca7415fcccdaccbf2a3e60ed0f7c24875caef596dac8f4b5','{"ema_decay": 0.0, "ema_start": "corrected", "ema_std": null, "sampler": "ddim", "sampling_steps": 4, "spacing": "trailing", "eta": 0.0, "variance": "fixed_small", "x0_clip": "static", "bits_per_dim": null, "fid_test": false, "neighbours": 0, "partial_noising": []}','{"extractor": "digits-cnn-65e82ef6", "extractor_sha256": "65e82ef6ecbd427693f0643c42b5a8acaf8c2cbb705c6c0049cdc97fd5681fc8", "reference": "train", "reference_sha256": "b249a3a8cf133917c1e1d77c57ec68cdad44ed7956a7caa7c01859c3036673c0", "n": 64, "noise_sets": [0, 1]}','88409383a249395ed80117223a268c432efb371d42e682a2eb70fecb01607669','planned',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,0.0,0,NULL,NULL,0.0,NULL);
INSERT INTO "score" VALUES(13,7,'5c523fb7d718a295658f39120cba2f7f4f256a70ab6135474745a3db8be09af7','{"ema_decay": 0.5, "ema_start": "corrected", "ema_std": null, "sampler": "ddim", "sampling_steps": 4, "spacing": "trailing", "eta": 0.0, "variance": "fixed_small", "x0_clip": "static", "bits_per_dim": null, "fid_test": false, "neighbours": 0, "partial_noising": []}','{"extractor": "digits-cnn-65e82ef6", "extractor_sha256": "65e82ef6ecbd427693f0643c42b5a8acaf8c2cbb705c6c0049cdc97fd5681fc8", "reference": "train", "reference_sha256": "b249a3a8cf133917c1e1d77c57ec68cdad44ed7956a7caa7c01859c3036673c0", "n": 64, "noise_sets": [0, 1]}','88409383a249395ed80117223a268c432efb371d42e682a2eb70fecb01607669','planned',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,0.0,0,NULL,NULL,0.0,NULL);
INSERT INTO "score" VALUES(14,7,'80c7ad8a40b2362fca7415fcccdaccbf2a3e60ed0f7c24875caef596dac8f4b5','{"ema_decay": 0.0, "ema_start": "corrected", "ema_std": null, "sampler": "ddim", "sampling_steps": 4, "spacing": "trailing", "eta": 0.0, "variance": "fixed_small", "x0_clip": "static", "bits_per_dim": null, "fid_test": false, "neighbours": 0, "partial_noising": []}','{"extractor": "digits-cnn-65e82ef6", "extractor_sha256": "65e82ef6ecbd427693f0643c42b5a8acaf8c2cbb705c6c0049cdc97fd5681fc8", "reference": "train", "reference_sha256": "b249a3a8cf133917c1e1d77c57ec68cdad44ed7956a7caa7c01859c3036673c0", "n": 64, "noise_sets": [0, 1]}','88409383a249395ed80117223a268c432efb371d42e682a2eb70fecb01607669','planned',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,0.0,0,NULL,NULL,0.0,NULL);
INSERT INTO "score" VALUES(15,8,'5c523fb7d718a295658f39120cba2f7f4f256a70ab6135474745a3db8be09af7','{"ema_decay": 0.5, "ema_start": "corrected", "ema_std": null, "sampler": "ddim", "sampling_steps": 4, "spacing": "trailing", "eta": 0.0, "variance": "fixed_small", "x0_clip": "static", "bits_per_dim": null, "fid_test": false, "neighbours": 0, "partial_noising": []}','{"extractor": "digits-cnn-65e82ef6", "extractor_sha256": "65e82ef6ecbd427693f0643c42b5a8acaf8c2cbb705c6c0049cdc97fd5681fc8", "reference": "train", "reference_sha256": "b249a3a8cf133917c1e1d77c57ec68cdad44ed7956a7caa7c01859c3036673c0", "n": 64, "noise_sets": [0, 1]}','88409383a249395ed80117223a268c432efb371d42e682a2eb70fecb01607669','planned',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,0.0,0,NULL,NULL,0.0,NULL);
INSERT INTO "score" VALUES(16,8,'80c7ad8a40b2362fca7415fcccdaccbf2a3e60ed0f7c24875caef596dac8f4b5','{"ema_decay": 0.0, "ema_start": "corrected", "ema_std": null, "sampler": "ddim", "sampling_steps": 4, "spacing": "trailing", "eta": 0.0, "variance": "fixed_small", "x0_clip": "static", "bits_per_dim": null, "fid_test": false, "neighbours": 0, "partial_noising": []}','{"extractor": "digits-cnn-65e82ef6", "extractor_sha256": "65e82ef6ecbd427693f0643c42b5a8acaf8c2cbb705c6c0049cdc97fd5681fc8", "reference": "train", "reference_sha256": "b249a3a8cf133917c1e1d77c57ec68cdad44ed7956a7caa7c01859c3036673c0", "n": 64, "noise_sets": [0, 1]}','88409383a249395ed80117223a268c432efb371d42e682a2eb70fecb01607669','planned',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,0.0,0,NULL,NULL,0.0,NULL);
INSERT INTO "score" VALUES(17,9,'80c7ad8a40b2362fca7415fcccdaccbf2a3e60ed0f7c24875caef596dac8f4b5','{"ema_decay": 0.0, "ema_start": "corrected", "ema_std": null, "sampler": "ddim", "sampling_steps": 4, "spacing": "trailing", "eta": 0.0, "variance": "fixed_small", "x0_clip": "static", "bits_per_dim": null, "fid_test": false, "neighbours": 0, "partial_noising": []}','{"extractor": "digits-cnn-65e82ef6", "extractor_sha256": "65e82ef6ecbd427693f0643c42b5a8acaf8c2cbb705c6c0049cdc97fd5681fc8", "reference": "train", "reference_sha256": "b249a3a8cf133917c1e1d77c57ec68cdad44ed7956a7caa7c01859c3036673c0", "n": 64, "noise_sets": [0, 1]}','88409383a249395ed80117223a268c432efb371d42e682a2eb70fecb01607669','complete','16a558e9362cf80ec9360a85cb8f7dddfef46d9f34eaec34da0efce59290dd14',9.76559207999798672972e-01,2.44607348000499769113e-01,5.48996453199970346759e+00,'2026-11-30 00:34:10.482000',1,NULL,NULL,0.0,0,NULL,NULL,6.71113108800000190967e+00,NULL);
INSERT INTO "score" VALUES(18,10,'80c7ad8a40b2362fca7415fcccdaccbf2a3e60ed0f7c24875caef596dac8f4b5','{"ema_decay": 0.0, "ema_start": "corrected", "ema_std": null, "sampler": "ddim", "sampling_steps": 4, "spacing": "trailing", "eta": 0.0, "variance": "fixed_small", "x0_clip": "static", "bits_per_dim": null, "fid_test": false, "neighbours": 0, "partial_noising": []}','{"extractor": "digits-cnn-65e82ef6", "extractor_sha256": "65e82ef6ecbd427693f0643c42b5a8acaf8c2cbb705c6c0049cdc97fd5681fc8", "reference": "train", "reference_sha256": "b249a3a8cf133917c1e1d77c57ec68cdad44ed7956a7caa7c01859c3036673c0", "n": 64, "noise_sets": [0, 1]}','88409383a249395ed80117223a268c432efb371d42e682a2eb70fecb01607669','complete','ec15751ce71186211932128ed585282ee1cd432da4a716b991acbd52a2bea135',7.05054000000018277205e-02,1.05730463000327290501e-01,2.08810571399999389541e+00,'2026-11-30 00:34:17.629000',1,NULL,NULL,0.0,0,NULL,NULL,2.26434157700032301363e+00,NULL);
INSERT INTO "score" VALUES(19,11,'80c7ad8a40b2362fca7415fcccdaccbf2a3e60ed0f7c24875caef596dac8f4b5','{"ema_decay": 0.0, "ema_start": "corrected", "ema_std": null, "sampler": "ddim", "sampling_steps": 4, "spacing": "trailing", "eta": 0.0, "variance": "fixed_small", "x0_clip": "static", "bits_per_dim": null, "fid_test": false, "neighbours": 0, "partial_noising": []}','{"extractor": "digits-cnn-65e82ef6", "extractor_sha256": "65e82ef6ecbd427693f0643c42b5a8acaf8c2cbb705c6c0049cdc97fd5681fc8", "reference": "train", "reference_sha256": "b249a3a8cf133917c1e1d77c57ec68cdad44ed7956a7caa7c01859c3036673c0", "n": 64, "noise_sets": [0, 1]}','88409383a249395ed80117223a268c432efb371d42e682a2eb70fecb01607669','planned',NULL,NULL,NULL,NULL,NULL,1,NULL,NULL,1.79599886271498346331e+09,0,NULL,NULL,3.84653583899989826022e+00,NULL);
CREATE TABLE study (
	id INTEGER NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	question VARCHAR NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	created_at DATETIME NOT NULL, 
	advisor_owner VARCHAR(36), 
	advisor_until DOUBLE, 
	CONSTRAINT pk_study PRIMARY KEY (id), 
	CONSTRAINT ck_study_state CHECK (state IN ('active', 'paused', 'stopped', 'cancelled')), 
	CONSTRAINT uq_study_name UNIQUE (name)
);
INSERT INTO "study" VALUES(1,'old','Does a store of 0.1.0 go on?','active','2026-11-30 00:29:54.680000',NULL,NULL);
INSERT INTO "study" VALUES(2,'old-search','Does a search of 0.1.0 go on?','active','2026-11-30 00:33:31.665000',NULL,NULL);
CREATE TABLE sweep_alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT sweep_alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "sweep_alembic_version" VALUES('0004');
CREATE TABLE worker (
	id VARCHAR(36) NOT NULL, 
	host VARCHAR(128) NOT NULL, 
	boot_id VARCHAR(128) NOT NULL, 
	pid INTEGER NOT NULL, 
	pid_started DOUBLE NOT NULL, 
	device VARCHAR(128) NOT NULL, 
	environment JSON NOT NULL, 
	started_at DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	ended_at DATETIME, 
	end_reason VARCHAR(32), 
	CONSTRAINT pk_worker PRIMARY KEY (id)
);
INSERT INTO "worker" VALUES('152c6138-949f-4db5-931d-6e0c58486fc6','vm','00000000-0000-0000-0000-000000000000 pid:[0]',25049,286776.0,'cpu','{"python": "3.11.7", "system": "Linux x86_64", "cpu": "AMD EPYC", "gpu": null, "cuda": null, "threads": 2, "versions": {"torch": "2.15.0", "torchvision": "0.29.2", "torch-fidelity": "0.4.0", "numpy": "2.4.6", "optuna": "5.0.0", "sqlalchemy": "2.1.9"}, "source": {"version": "0.1.0", "commit": "eae367606642376f29dcf6d71490511ac195cdf2", "dirty": false}}','2026-11-30 00:30:05.353000','2026-11-30 00:30:05.353000','2026-11-30 00:30:35.803000','preempted');
INSERT INTO "worker" VALUES('834dc3e2-d841-4843-89f4-81c1ca33d537','vm','00000000-0000-0000-0000-000000000000 pid:[0]',27689,308472.0,'cpu','{"python": "3.11.7", "system": "Linux x86_64", "cpu": "AMD EPYC", "gpu": null, "cuda": null, "threads": 2, "versions": {"torch": "2.15.0", "torchvision": "0.29.2", "torch-fidelity": "0.4.0", "numpy": "2.4.6", "optuna": "5.0.0", "sqlalchemy": "2.1.9"}, "source": {"version": "0.1.0", "commit": "eae367606642376f29dcf6d71490511ac195cdf2", "dirty": false}}','2026-11-30 00:33:48.389000','2026-11-30 00:33:48.389000','2026-11-30 00:34:25.999000','preempted');
CREATE INDEX ix_run_state_not_before ON run (state, not_before);
CREATE INDEX ix_event_run_id ON event (run_id);
CREATE INDEX ix_event_study_id ON event (study_id);
CREATE INDEX ix_revision_study_id ON revision (study_id);
CREATE INDEX ix_score_run_id ON score (run_id);
CREATE INDEX ix_score_state_not_before ON score (state, not_before);
CREATE INDEX ix_artifact_run_id ON artifact (run_id);
CREATE INDEX ix_artifact_score_id ON artifact (score_id);
CREATE INDEX ix_attempt_run_id ON attempt (run_id);
CREATE INDEX ix_attempt_score_id ON attempt (score_id);
CREATE UNIQUE INDEX uq_attempt_run_token ON attempt (run_id, token) WHERE score_id IS NULL;
CREATE UNIQUE INDEX uq_attempt_score_token ON attempt (score_id, token);
CREATE INDEX ix_cell_arm_id ON cell (arm_id);
CREATE INDEX ix_cell_run_id ON cell (run_id);
CREATE INDEX ix_cell_study_id ON cell (study_id);
CREATE INDEX ix_reading_score_id ON reading (score_id);
CREATE INDEX ix_attempt_worker_id ON attempt (worker_id);
CREATE INDEX ix_arm_study_id_position ON arm (study_id, position);
COMMIT;