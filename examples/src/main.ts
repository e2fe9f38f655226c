console.log("Echo");
